/** What `stint doctor` was asked for. */
import { renderFlagHelp } from "../../config/flag-help.ts"
import { type FlagValues, flagOptions } from "../../config/flags.ts"
import { showText } from "../../config/found.ts"
import { AGENT_PROGRAMS } from "../../config/plan.ts"
import { BadCall, isGiven, oneOf, readFlags } from "./arguments.ts"
import type { NamedProgram } from "./doctor/agent-findings.ts"
import {
  type CommandSheet,
  HELP_FLAG,
  type OwnFlag,
  ownOptions,
  renderOwnFlags,
} from "./own-flags.ts"

export interface DoctorCall {
  /** The settings' flags are read by the check of the settings: what is wrong there is a finding. */
  readonly flags: FlagValues
  readonly acceptClock: boolean
  readonly json: boolean
  /** A program to look at as well; null for none. */
  readonly agent: NamedProgram | null
}

const PROGRAMS: readonly NamedProgram[] = AGENT_PROGRAMS.filter(
  (name) => name !== "auto" && name !== "none",
)

const FLAGS: readonly OwnFlag[] = [
  {
    flag: "accept-clock",
    placeholder: null,
    meaning:
      "record that a clock set back by more than 26 hours is right: the present day opens with its earlier use",
  },
  {
    flag: "agent",
    placeholder: "NAME",
    meaning: `also look at an agent program, and say how it would be started: ${PROGRAMS.join(", ")}`,
    choices: PROGRAMS,
  },
  { flag: "json", placeholder: null, meaning: "the findings as a JSON array" },
  HELP_FLAG,
]

const SCOPES = ["budget", "gateway", "run"] as const

const doctorHelp = (): string => `Usage: stint doctor [options]

Looks at what a run would need: Node, the settings and where each came from, the
ledger and who holds it, the clock and the day it is, what this machine offers
for stopping processes, whether the limiter refuses what it must (the canary),
the terminal. Starts no agent and writes nothing, but with --accept-clock.

  ✓ as it should be    ! weaker than it could be    ✗ will not work

Options:
${renderOwnFlags(FLAGS)}

The settings to look at are given as to stint run:
${renderFlagHelp(...SCOPES)}

Exit status: 0 when nothing is ✗, 1 otherwise; 125 if it could not be done.
`

export const doctorSheet: CommandSheet = {
  help: doctorHelp,
  scopes: SCOPES,
  flags: FLAGS,
  operands: "none",
}

/** Throws `BadCall`. Null when help was asked for. */
export const readDoctorArguments = (argv: readonly string[]): DoctorCall | null => {
  const options = { ...flagOptions(...SCOPES), ...ownOptions(FLAGS) }
  const { values, positionals } = readFlags(argv, options, "doctor")
  if (isGiven(values, "help")) return null
  const [first] = positionals
  if (first !== undefined)
    throw new BadCall(`command line: found ${showText(first)}, expected options only`)
  return {
    flags: values,
    acceptClock: isGiven(values, "accept-clock"),
    json: isGiven(values, "json"),
    agent: agentOf(values),
  }
}

const agentOf = (values: FlagValues): NamedProgram | null => {
  const given = oneOf(values, "agent")
  if (given === undefined) return null
  const found = PROGRAMS.find((name) => name === given)
  if (found !== undefined) return found
  throw new BadCall(
    `command line: --agent: found ${showText(given)}, expected one of ${PROGRAMS.join(", ")}`,
  )
}
