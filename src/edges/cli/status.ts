/** `stint status`: how the day stands, from whoever holds the ledger or from the ledger itself. */
import { standingOf } from "../../sharing/standing.ts"
import { isGiven } from "./arguments.ts"
import { LEDGER_FLAG, readSettingsCall } from "./command-settings.ts"
import { EXIT } from "./exit-status.ts"
import { frame } from "./live/frame.ts"
import { refuseOperands } from "./operands.ts"
import { type CommandIo, told, wantsColour, write } from "./output.ts"
import { type CommandSheet, HELP_FLAG, type OwnFlag, renderOwnFlags } from "./own-flags.ts"

const FLAGS: readonly OwnFlag[] = [
  { flag: "json", placeholder: null, meaning: "the whole summary as JSON" },
  LEDGER_FLAG,
  HELP_FLAG,
]

const statusHelp = (): string => `Usage: stint status [options]

How the day stands: what was used of its limit, and every agent of it. Asks the
run that holds the ledger; without one it tells what was last written. Before
any ledger exists nothing was used, and none is made.

Options:
${renderOwnFlags(FLAGS)}

Exit status: 0; 125 if it could not be done.
`

export const statusSheet: CommandSheet = {
  help: statusHelp,
  scopes: [],
  flags: FLAGS,
  operands: "none",
}

/** `argv` begins after the word `status`. Resolves with the exit status: 0 or 125. */
export const statusCommand = (argv: readonly string[], io: CommandIo): Promise<number> =>
  told(io, async () => {
    const call = await readSettingsCall("status", statusSheet, argv, io)
    if (call === null) return EXIT.completed
    const { ledger, budget, values, operands } = call
    refuseOperands(operands)
    const now = Date.now()
    const { summary, waiting, holder } = await standingOf(ledger, budget, now)
    if (isGiven(values, "json")) {
      await write(io.stdout, [`${JSON.stringify(summary, null, 2)}\n`])
      return EXIT.completed
    }
    const lines = frame(summary, {
      columns: io.columns ?? 80,
      rows: Number.POSITIVE_INFINITY,
      colour: wantsColour(io.env, io.isTTY),
      now,
      waiting,
      recent: [
        holder === null
          ? "no run holds the ledger: this is what was last written"
          : `process ${holder} holds the ledger`,
      ],
    })
    await write(io.stdout, [`${lines.join("\n")}\n`])
    return EXIT.completed
  })
