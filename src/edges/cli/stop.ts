/** `stint stop ID`: asks a live agent to stop, whichever run it belongs to. */
import { visitHolder } from "../../sharing/visitor.ts"
import { isGiven } from "./arguments.ts"
import { LEDGER_FLAG, readSettingsCall } from "./command-settings.ts"
import { EXIT } from "./exit-status.ts"
import { oneOperand } from "./operands.ts"
import { type CommandIo, say, told } from "./output.ts"
import { type CommandSheet, HELP_FLAG, type OwnFlag, renderOwnFlags } from "./own-flags.ts"

const FLAGS: readonly OwnFlag[] = [
  { flag: "now", placeholder: null, meaning: "without its grace" },
  LEDGER_FLAG,
  HELP_FLAG,
]

const stopHelp = (): string => `Usage: stint stop [options] ID

Asks the live agent of that name to stop, whichever terminal it was started in.
It gets its grace; its run tells when it has ended.

Options:
${renderOwnFlags(FLAGS)}

Exit status: 0 it was asked; 1 no agent of that name lives; 125 Stint failed.
`

export const stopSheet: CommandSheet = {
  help: stopHelp,
  scopes: [],
  flags: FLAGS,
  operands: "none",
}

/** `argv` begins after the word `stop`. Resolves with the exit status: 0, 1 or 125. */
export const stopCommand = (argv: readonly string[], io: CommandIo): Promise<number> =>
  told(io, async () => {
    const call = await readSettingsCall("stop", stopSheet, argv, io)
    if (call === null) return EXIT.completed
    const { ledger, values, operands } = call
    const agentId = oneOperand(operands, "agent")
    const visitor = await visitHolder(ledger)
    const halted = (await visitor?.halt(agentId, isGiven(values, "now"))) ?? null
    visitor?.leave()
    if (halted?.found === true) {
      await say(io, `agent ${agentId} was asked to stop`)
      return EXIT.completed
    }
    await say(io, unknown(agentId, ledger, halted?.living ?? null))
    return EXIT.agentFailed
  })

const unknown = (agentId: string, ledger: string, living: readonly string[] | null): string => {
  if (living === null)
    return `agent ${agentId}: no run holds the ledger ${ledger}, so nobody lives there`
  const who = living.length === 0 ? "nobody does" : `${living.join(", ")} do`
  return `agent ${agentId}: no agent of that name lives; ${who}`
}
