/** What `stint run` was asked to do: one command, or a plan; everything checked before a start. */
import { accessSync, constants, statSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { basename, dirname, resolve } from "node:path"
import * as Result from "effect/Result"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { Environment } from "../../config/environment.ts"
import { readSettingsFile } from "../../config/file.ts"
import { renderFlagHelp } from "../../config/flag-help.ts"
import { type FlagValues, flagOptions } from "../../config/flags.ts"
import { ledgerPath, thisMachine } from "../../config/ledger-path.ts"
import {
  decodePlan,
  METERS,
  type MeterName,
  type Plan,
  type PlannedAgent,
} from "../../config/plan.ts"
import { resolveSettings } from "../../config/resolve.ts"
import { findProgram } from "../../runners/program.ts"
import { BadCall, isGiven, oneOf, readFlags } from "./arguments.ts"

export interface RunCall {
  readonly agents: readonly PlannedAgent[]
  /** Null for a single command. */
  readonly planPath: string | null
  readonly settings: BudgetSettings
  readonly ledger: string
  readonly retentionDays: number
  /** The meter was named, so output is captured even on a terminal. */
  readonly meterNamed: boolean
  readonly contain: boolean
  readonly prefix: boolean
  readonly waitForReset: boolean
  readonly checkOnly: boolean
  /** Files, `-` for standard output, null for none. */
  readonly summary: string | null
  readonly events: string | null
  readonly warnings: readonly string[]
}

const OPTIONS = {
  ...flagOptions("budget", "run"),
  id: { type: "string", multiple: true },
  task: { type: "string", multiple: true },
  meter: { type: "string", multiple: true },
  require: { type: "string", multiple: true },
  summary: { type: "string", multiple: true },
  events: { type: "string", multiple: true },
  contain: { type: "boolean", multiple: true },
  check: { type: "boolean", multiple: true },
  "no-prefix": { type: "boolean", multiple: true },
  "wait-for-reset": { type: "boolean", multiple: true },
  help: { type: "boolean", short: "h", multiple: true },
} as const

export const runHelp = (): string => `Usage: stint run [options] -- COMMAND [ARG…]
       stint run [options] PLAN.yaml

Runs one command, or the agents of a plan, on the budget. On a terminal the
command keeps it; elsewhere its output passes through byte for byte while a
meter reads along. Ctrl-C stops gracefully, a second one kills.

Options:
${renderFlagHelp("budget", "run")}
  --id NAME, --task NAME      what the agent is called (one command)
  --meter NAME                ${METERS.join(", ")} (default: auto)
  --require metered           start nothing that would be less than metered
  --contain                   keep it in a PID namespace of its own
  --check                     read the plan, say what is wrong, start nothing
  --no-prefix                 a plan's lines without the agent's name
  --wait-for-reset            let a plan wait for tomorrow's tokens
  --summary FILE              write the summary as JSON (-: standard output)
  --events FILE               write what happened as NDJSON
  -h, --help                  show this

Exit status: the command's own; 124 stopped or refused by a limit, 125 Stint
failed, 126 and 127 the command cannot be run or found, 130 Ctrl-C. Of a plan:
0 all completed, 1 an agent failed, 124, 125.
`

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
  const meter = meterOf(values)
  checkRequired(values, meter)
  const planPath = planPathOf(positionals, command)
  const plan = planPath === null ? null : await readPlan(resolve(cwd, planPath), planPath)
  const { budget, run, warnings } = await settingsFrom(values, env, cwd, plan)
  const agents = plan?.agents ?? [single(values, command, meter, cwd)]
  checkStartable(agents, env)
  return {
    agents,
    planPath,
    settings: budget,
    ledger: ledgerPath(run.ledger, { ...thisMachine(), folder: cwd, env }),
    retentionDays: run.retentionDays,
    meterNamed: oneOf(values, "meter") !== undefined,
    contain: isGiven(values, "contain"),
    prefix: !isGiven(values, "no-prefix"),
    waitForReset: isGiven(values, "wait-for-reset"),
    checkOnly: isGiven(values, "check"),
    summary: outputFile(values, "summary", cwd),
    events: outputFile(values, "events", cwd),
    warnings,
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

const settingsFrom = async (
  values: FlagValues,
  env: Environment,
  cwd: string,
  plan: Plan | null,
) => {
  const file = Result.getOrThrow(await readSettingsFile(cwd))
  return Result.getOrThrow(
    resolveSettings({
      flags: values,
      env,
      ...(plan?.budget === undefined ? {} : { plan: plan.budget }),
      ...(file === undefined ? {} : { file }),
    }),
  )
}

const meterOf = (values: FlagValues): MeterName => {
  const given = oneOf(values, "meter") ?? "auto"
  const found = METERS.find((meter) => meter === given)
  if (found !== undefined) return found
  throw new BadCall(`command line: --meter: found ${given}, expected one of ${METERS.join(", ")}`)
}

/** Nothing here is held before it is spent, so `reserved` cannot be promised. */
const checkRequired = (values: FlagValues, meter: MeterName): void => {
  const required = oneOf(values, "require")
  if (required === undefined) return
  if (required === "reserved")
    throw new BadCall(
      "command line: --require reserved: a command's calls cannot be held before they are made in this version; nothing was started",
    )
  if (required !== "metered")
    throw new BadCall(`command line: --require: found ${required}, expected reserved or metered`)
  if (meter === "none" || (oneOf(values, "meter") === undefined && process.stdout.isTTY === true))
    throw new BadCall(
      "command line: --require metered: nothing would read this command's usage; name a meter with --meter; nothing was started",
    )
}

const ID_LENGTH = 6

const single = (
  values: FlagValues,
  command: readonly string[],
  meter: MeterName,
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
    meter,
    limits: {},
  }
}

/** Of a plan nothing starts unless all of it could: a missing program or folder is told first. */
const checkStartable = (agents: readonly PlannedAgent[], env: Environment): void => {
  if (agents.length < 2) return
  const problems = agents.flatMap(({ id, command, cwd, env: own }) => {
    if (!isFolder(cwd)) return [`agent ${id}: cwd ${cwd}: there is no such folder`]
    const program = findProgram(command[0], cwd, own.PATH ?? env.PATH)
    return "started" in program ? [`agent ${id}: ${program.message}`] : []
  })
  if (problems.length > 0) throw new BadCall([...problems, "nothing was started"].join("\n"))
}

const isFolder = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

const outputFile = (values: FlagValues, name: string, cwd: string): string | null => {
  const path = oneOf(values, name)
  if (path === undefined || path === "-") return path ?? null
  const file = resolve(cwd, path)
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch {
    throw new BadCall(`--${name} ${path}: ${dirname(file)} is no folder that can be written to`)
  }
  return file
}
