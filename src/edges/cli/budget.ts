/** `stint budget`: the limits in force on a ledger, and those kept there for later runs. */
import { budgetOn, keepOn } from "../../sharing/keep.ts"
import { type BudgetChange, budgetSheet, readBudgetArguments } from "./budget-arguments.ts"
import { budgetJson, budgetTable, keptJson, keptLine } from "./budget-report.ts"
import { type CommandSettings, commandSettings } from "./command-settings.ts"
import { EXIT } from "./exit-status.ts"
import { type CommandIo, say, told, wantsColour, write } from "./output.ts"

/** `argv` begins after the word `budget`. Resolves with the exit status: 0 or 125. */
export const budgetCommand = (argv: readonly string[], io: CommandIo): Promise<number> =>
  told(io, async () => {
    const call = readBudgetArguments(argv)
    if (call === null) {
      await write(io.stdout, [budgetSheet.help()])
      return EXIT.completed
    }
    const settings = await commandSettings(call.flags, io.env, io.cwd)
    for (const warning of settings.warnings) await say(io, warning)
    if (call.change === null) await show(settings, call.json, io)
    else await keep(settings, call.change, call.json, io)
    return EXIT.completed
  })

const show = async (
  { ledger, sources }: CommandSettings,
  json: boolean,
  io: CommandIo,
): Promise<void> => {
  const standing = await budgetOn(ledger, sources)
  const lines = budgetTable(standing, { colour: wantsColour(io.env, io.isTTY) })
  await write(io.stdout, json ? [budgetJson(ledger, standing)] : lines.map((line) => `${line}\n`))
}

const keep = async (
  { ledger, sources }: CommandSettings,
  change: BudgetChange,
  json: boolean,
  io: CommandIo,
): Promise<void> => {
  const kept = await keepOn(ledger, change, sources, Date.now)
  if (json) await write(io.stdout, [keptJson(ledger, kept, change.key)])
  else await say(io, keptLine(ledger, kept, change.key))
}
