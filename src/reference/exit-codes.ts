/** `docs/reference/exit-codes.md`: what the statuses mean, with the numbers the commands use. */
import { constants } from "node:os"
import { EXIT, statusOfSignal } from "../edges/cli/exit-status.ts"
import { code, page, table } from "./markdown.ts"

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const
const EXAMPLE = "SIGSEGV"

const COMMAND: readonly (readonly [status: number | string, meaning: string])[] = [
  ["any other", "the command's own"],
  [EXIT.limit, "a limit refused it or stopped it, whatever signal ended it in the end"],
  [EXIT.stintFailed, "Stint itself failed: bad configuration, a ledger that cannot be used"],
  [126, "the command is there and cannot be run"],
  [127, "there is no such command"],
  ...SIGNALS.map((name): readonly [number, string] => [
    statusOfSignal(name),
    `${code(name)} came to Stint, which stopped the agents`,
  ]),
  [
    `128 + n`,
    `a signal that Stint did not send ended the command: ${statusOfSignal(EXAMPLE)} for ${code(EXAMPLE)} (${constants.signals[EXAMPLE]})`,
  ],
]

const PLAN: readonly (readonly [status: number, meaning: string])[] = [
  [EXIT.stintFailed, "Stint itself failed"],
  ...SIGNALS.map((name): readonly [number, string] => [
    statusOfSignal(name),
    `${code(name)} came to Stint`,
  ]),
  [EXIT.limit, "a limit refused or stopped an agent"],
  [EXIT.agentFailed, "an agent failed"],
  [EXIT.completed, "all completed"],
]

const OTHERS: readonly (readonly [status: number, meaning: string])[] = [
  [EXIT.completed, "done; of `stint doctor`: nothing is ✗"],
  [1, "of `stint doctor` alone: something is ✗"],
  [EXIT.stintFailed, "it could not be done, and standard error says why"],
]

const rows = (statuses: readonly (readonly [number | string, string])[]) =>
  statuses.map(([status, meaning]) => [code(String(status)), meaning])

const HEAD = ["status", "meaning"]

export const renderExitCodesReference = (): string =>
  page(
    "<!-- Generated from src/reference/exit-codes.ts: change it there. -->",
    "# Exit statuses",
    "As `timeout(1)` has them.",
    `## stint run -- COMMAND\n\n${table(HEAD, rows(COMMAND))}`,
    `## stint run PLAN.yaml\n\nThe first that applies:\n\n${table(HEAD, rows(PLAN))}`,
    `## Every other command\n\n${table(HEAD, rows(OTHERS))}`,
  )
