/** What `stint run` was asked to do: one command, or a plan; everything checked before a start. */
import { accessSync, constants } from "node:fs"
import { readFile } from "node:fs/promises"
import { basename, dirname, resolve } from "node:path"
import * as Result from "effect/Result"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { Environment } from "../../config/environment.ts"
import { renderFlagHelp } from "../../config/flag-help.ts"
import { type FlagValues, flagOptions } from "../../config/flags.ts"
import type { RunSources } from "../../config/kept.ts"
import { ledgerPath, thisMachine } from "../../config/ledger-path.ts"
import {
  AGENT_PROGRAMS,
  type AgentProgram,
  decodePlan,
  METERS,
  type MeterName,
  type Plan,
  type PlannedAgent,
} from "../../config/plan.ts"
import type { OwnPrice } from "../../config/prices.ts"
import { type GatewaySettings, resolveSettings } from "../../config/resolve.ts"
import type { FileUpstreams } from "../../config/upstreams-file.ts"
import { BadCall, isGiven, oneOf, readFlags } from "./arguments.ts"
import { runSources } from "./command-settings.ts"
import { HELP_FLAG, type OwnFlag, ownOptions, renderOwnFlags } from "./own-flags.ts"
import { checkStartable, isFolder } from "./startable.ts"

export interface RunCall {
  readonly agents: readonly PlannedAgent[]
  /** Null for a single command. */
  readonly planPath: string | null
  /** As far as they are known before the ledger is open. */
  readonly settings: BudgetSettings
  readonly sources: RunSources
  readonly ledger: string
  readonly retentionDays: number
  /** The meter was named, so output is captured even on a terminal. */
  readonly meterNamed: boolean
  readonly contain: boolean
  /** Where an inspector listens; null without one. */
  readonly inspect: string | null
  readonly prefix: boolean
  readonly waitForReset: boolean
  readonly checkOnly: boolean
  /** Files, `-` for standard output, null for none. */
  readonly summary: string | null
  readonly events: string | null
  readonly warnings: readonly string[]
  readonly gateway: GatewaySettings
  readonly upstreams: FileUpstreams
  readonly prices: readonly OwnPrice[]
  /** The least class an agent may be in; null: any. */
  readonly required: "reserved" | "metered" | null
}

/** The flags of `stint run` beside the settings. */
export const RUN_FLAGS: readonly OwnFlag[] = [
  { flag: "id", placeholder: "NAME", meaning: "what the agent is called (one command)" },
  { flag: "task", placeholder: "NAME", meaning: "what it works on (default: its id)" },
  {
    flag: "meter",
    placeholder: "NAME",
    meaning: `who reads its usage: ${METERS.join(", ")} (default auto)`,
    choices: METERS,
  },
  {
    flag: "agent",
    placeholder: "NAME",
    meaning: `which program it is, to lead its model calls through the gateway: ${AGENT_PROGRAMS.join(", ")} (default auto)`,
    choices: AGENT_PROGRAMS,
  },
  {
    flag: "require",
    placeholder: "CLASS",
    meaning: "reserved or metered: start nothing of a lower class",
    choices: ["reserved", "metered"],
  },
  { flag: "contain", placeholder: null, meaning: "keep it in a PID namespace of its own" },
  { flag: "inspect", placeholder: null, meaning: "show the statecharts to an inspector" },
  {
    flag: "inspect-url",
    placeholder: "URL",
    meaning: "where it listens (default ws://localhost:8080)",
  },
  { flag: "check", placeholder: null, meaning: "read the plan, say what is wrong, start nothing" },
  { flag: "no-prefix", placeholder: null, meaning: "a plan's lines without the agent's name" },
  { flag: "wait-for-reset", placeholder: null, meaning: "let a plan wait for tomorrow's tokens" },
  {
    flag: "summary",
    placeholder: "FILE",
    meaning: "write the summary as JSON (-: standard output)",
    isFile: true,
  },
  {
    flag: "events",
    placeholder: "FILE",
    meaning: "write what happened as NDJSON (-: standard output)",
    isFile: true,
  },
  HELP_FLAG,
]

const OPTIONS = { ...flagOptions("budget", "gateway", "run"), ...ownOptions(RUN_FLAGS) }

export const runHelp = (): string => `Usage: stint run [options] -- COMMAND [ARG…]
       stint run [options] PLAN.yaml

Runs one command, or the agents of a plan, on the budget. On a terminal the
command keeps it; elsewhere its output passes through byte for byte while a
meter reads along. Ctrl-C stops gracefully, a second one kills.

Options:
${renderFlagHelp("budget", "gateway", "run")}
${renderOwnFlags(RUN_FLAGS)}

Exit status: the command's own; 124 stopped or refused by a limit, 125 Stint
failed, 126 and 127 the command cannot be run or found, 130 Ctrl-C. Of a plan:
0 all completed, 1 an agent failed, 124, 125.
`

/** Options that only make sense for one command, or only for a plan, are told, not ignored. */
const checkSingle = (values: FlagValues, [program]: readonly string[]): void => {
  if (isGiven(values, "check"))
    throw new BadCall("command line: --check: found with a command, expected with a plan")
  if (program === "")
    throw new BadCall('command line: found "" as the command after --, expected a program')
}

const checkNoSingle = (values: FlagValues): void => {
  for (const name of ["id", "task", "meter", "agent"])
    if (oneOf(values, name) !== undefined)
      throw new BadCall(
        `command line: --${name}: found with a plan, expected with one command; in a plan write ${name} with each agent`,
      )
}

const WORDS_AFTER = "--"

/** Throws `BadCall` or `ConfigurationError`, with every problem found. Null when help was asked for. */
export const readRunArguments = async (
  argv: readonly string[],
  env: Environment,
  cwd: string,
): Promise<RunCall | null> => {
  const split = argv.indexOf(WORDS_AFTER)
  const own = split < 0 ? argv : argv.slice(0, split)
  const command = split < 0 ? [] : argv.slice(split + 1)
  const { values, positionals } = readFlags(own, OPTIONS, "run")
  if (isGiven(values, "help")) return null
  const meter = namedOf(values, "meter", METERS)
  const agent = namedOf(values, "agent", AGENT_PROGRAMS)
  const planPath = planPathOf(positionals, command)
  if (planPath === null) checkSingle(values, command)
  else checkNoSingle(values)
  const required = requiredOf(values)
  const plan = planPath === null ? null : await readPlan(resolve(cwd, planPath), planPath)
  const sources = await runSources(values, env, cwd, plan)
  const settled = Result.getOrThrow(resolveSettings(sources))
  const { budget, run, warnings, gateway, upstreams, prices } = settled
  const agents = plan?.agents ?? [single(values, command, { meter, agent }, cwd)]
  if (plan !== null) checkStartable(plan, env)
  return {
    agents,
    planPath,
    settings: budget,
    sources,
    ledger: ledgerPath(run.ledger, { ...thisMachine(), folder: cwd, env }),
    retentionDays: run.retentionDays,
    meterNamed: oneOf(values, "meter") !== undefined,
    contain: isGiven(values, "contain"),
    inspect: inspectorOf(values),
    prefix: !isGiven(values, "no-prefix"),
    waitForReset: isGiven(values, "wait-for-reset"),
    checkOnly: isGiven(values, "check"),
    summary: outputFile(values, "summary", cwd),
    events: outputFile(values, "events", cwd),
    ...{ warnings, gateway, upstreams, prices, required },
  }
}

const planPathOf = (positionals: readonly string[], command: readonly string[]): string | null => {
  if (command.length > 0) {
    if (positionals.length === 0) return null
    throw new BadCall(
      `command line: found both ${positionals[0]} and a command after --; expected one`,
    )
  }
  const [path, ...more] = positionals
  if (path !== undefined && more.length === 0) return path
  if (path === undefined)
    throw new BadCall(
      "command line: found neither a plan nor a command; expected stint run -- COMMAND, or stint run PLAN.yaml",
    )
  throw new BadCall(
    `command line: found ${positionals.join(" ")}; a command stands after --, as in stint run -- ${positionals.join(" ")}`,
  )
}

const readPlan = async (path: string, shown: string): Promise<Plan> => {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BadCall(
      `${shown}: ${error.code === "ENOENT" ? "there is no such file" : error.message}; expected a plan, or a command after --`,
    )
  })
  return Result.getOrThrow(await decodePlan(text, shown, dirname(path)))
}

const INSPECTOR = "ws://localhost:8080"

const inspectorOf = (values: FlagValues): string | null => {
  const url = oneOf(values, "inspect-url")
  return url ?? (isGiven(values, "inspect") ? INSPECTOR : null)
}

/** The name given with a flag; `auto` where none is. */
const namedOf = <Name extends string>(
  values: FlagValues,
  flag: string,
  names: readonly ["auto", ...(readonly Name[])],
): "auto" | Name => {
  const given = oneOf(values, flag) ?? "auto"
  const found = names.find((name) => name === given)
  if (found !== undefined) return found
  throw new BadCall(`command line: --${flag}: found ${given}, expected one of ${names.join(", ")}`)
}

/** Whether that can be kept is known when the agents' calls are led. */
const requiredOf = (values: FlagValues): RunCall["required"] => {
  const required = oneOf(values, "require") ?? null
  if (required === null || required === "reserved" || required === "metered") return required
  throw new BadCall(`command line: --require: found ${required}, expected reserved or metered`)
}

const ID_LENGTH = 6

const single = (
  values: FlagValues,
  command: readonly string[],
  named: { readonly meter: MeterName; readonly agent: AgentProgram },
  cwd: string,
): PlannedAgent => {
  const [program = "", ...rest] = command
  const tail = process.pid.toString(36).padStart(ID_LENGTH, "0")
  const id = oneOf(values, "id") ?? `${basename(program)}-${tail}`
  return {
    id,
    task: oneOf(values, "task") ?? id,
    command: [program, ...rest],
    cwd,
    env: {},
    ...named,
    limits: {},
  }
}

const outputFile = (values: FlagValues, name: string, cwd: string): string | null => {
  const path = oneOf(values, name)
  if (path === undefined || path === "-") return path ?? null
  const file = resolve(cwd, path)
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch {
    throw new BadCall(
      `command line: --${name}: found ${path}, expected a file in a folder that can be written to`,
    )
  }
  if (isFolder(file))
    throw new BadCall(`command line: --${name}: found the folder ${path}, expected a file`)
  return file
}
