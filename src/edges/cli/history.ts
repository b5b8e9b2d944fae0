/** `stint history`: what was used, by day, agent, task or model. */
import { EXIT } from "./exit-status.ts"
import { type HistoryCall, historySheet, readHistoryArguments } from "./history-arguments.ts"
import { historyCsv, historyJson } from "./history-formats.ts"
import { type HistorySum, sumsOf } from "./history-sums.ts"
import { historyTable } from "./history-table.ts"
import { type CommandIo, say, told, wantsColour, write } from "./output.ts"

/** `argv` begins after the word `history`. Resolves with the exit status: 0 or 125. */
export const historyCommand = (argv: readonly string[], io: CommandIo): Promise<number> =>
  told(io, async () => {
    const call = await readHistoryArguments(argv, io.env, io.cwd)
    if (call === null) await write(io.stdout, [historySheet.help()])
    else await print(call, io)
    return EXIT.completed
  })

const print = async (call: HistoryCall, io: CommandIo): Promise<void> => {
  for (const warning of call.warnings) await say(io, warning)
  await write(io.stdout, printed(await readSums(call), call, io))
}

const readSums = async (call: HistoryCall): Promise<readonly HistorySum[]> => {
  const { openSqliteReader } = await import("../../ledger/sqlite/reader.ts")
  const reader = await openSqliteReader(call.ledger)
  if (reader === null) return []
  const { fromWindow, toWindow } = call
  const days = {
    ...(fromWindow === undefined ? {} : { fromWindow }),
    ...(toWindow === undefined ? {} : { toWindow }),
  }
  try {
    return await sumsOf(reader.history(days), call.by)
  } finally {
    reader.close()
  }
}

const printed = (
  sums: readonly HistorySum[],
  { by, format }: HistoryCall,
  { columns, env, isTTY }: CommandIo,
): Iterable<string> => {
  if (format === "csv") return historyCsv(sums, by)
  if (format === "json") return historyJson(sums, by)
  const view = { width: columns ?? 80, colour: wantsColour(env, isTTY) }
  return historyTable(sums, by, view).map((line) => `${line}\n`)
}
