/** A plan: a budget and the agents to run on it, decoded whole or refused with every problem. */
import { isAbsolute, resolve } from "node:path"
import * as Result from "effect/Result"
import { decodeValues } from "./decode.ts"
import { isMap } from "./explain.ts"
import { indexed, MapReader } from "./map-reader.ts"
import { type ConfigurationError, configurationError, type Problem } from "./problem.ts"
import { settingNamed } from "./settings-table.ts"
import type { NamedValues, Path } from "./source.ts"
import { readYaml } from "./yaml.ts"

export const METERS = [
  "auto",
  "stint",
  "claude-code",
  "codex",
  "gemini",
  "opencode",
  "pi",
  "none",
] as const
export type MeterName = (typeof METERS)[number]

/** Programs whose model calls Stint knows how to lead through its gateway; `auto` finds out which. */
export const AGENT_PROGRAMS = [
  "auto",
  "claude",
  "codex",
  "gemini",
  "opencode",
  "pi",
  "anthropic-sdk",
  "openai-sdk",
  "google-sdk",
  "none",
] as const
export type AgentProgram = (typeof AGENT_PROGRAMS)[number]

/** An agent's own limits: only these, and only to lower the general ones; its reserve is its own. */
export interface PlanLimits {
  readonly perAgentTokenLimit?: number
  readonly maxTaskDurationMinutes?: number
  readonly graceSeconds?: number
  readonly perAgentCostLimitMicroUsd?: number
  /** The part of the agent's own tokens that is set aside for winding down. */
  readonly reserveForWrapUp?: number
}

export interface PlannedAgent {
  readonly id: string
  readonly task: string
  /** Program and arguments; a text in the plan becomes `sh -c`. */
  readonly command: readonly [string, ...(readonly string[])]
  /** Absolute. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly meter: MeterName
  /** Which program it is, and so how its model calls are led through the gateway. */
  readonly agent: AgentProgram
  readonly limits: PlanLimits
}

export interface Plan {
  readonly budget: NamedValues | undefined
  readonly agents: readonly PlannedAgent[]
  /** A problem with this value, found by whoever knows more than the text. */
  readonly problemAt: (path: Path, found: string, allowed: string) => Problem
}

const PLAN_KEYS = ["budget", "agents"]
const AGENT_KEYS = ["id", "task", "command", "cwd", "env", "meter", "agent", "limits"]
const LIMIT_KEYS = [
  "perAgentTokenLimit",
  "maxTaskDurationMinutes",
  "graceSeconds",
  "perAgentCostLimitMicroUsd",
  "reserveForWrapUp",
] as const
const NAME_LENGTH_MAX = 256

/** Decodes a plan's text; `folder` is what its relative `cwd`s start from. */
export const decodePlan = async (
  text: string,
  name: string,
  folder: string,
): Promise<Result.Result<Plan, ConfigurationError>> => {
  const read = await readYaml(text, name)
  if (Result.isFailure(read)) return Result.fail(read.failure)
  return new PlanReader(read.success, folder).plan()
}

class PlanReader extends MapReader {
  private readonly folder: string

  constructor(source: NamedValues, folder: string) {
    super(source)
    this.folder = folder
  }

  plan(): Result.Result<Plan, ConfigurationError> {
    const { value } = this.source
    const whole = isMap(value) ? value : {}
    if (!isMap(value)) this.wrong([], value, "a map with `agents`, and perhaps `budget`")
    this.knownKeys([], whole, PLAN_KEYS)
    const agents = this.agents(whole.agents)
    this.distinctNames(agents)
    const [first, ...rest] = this.problems
    if (first !== undefined) return Result.fail(configurationError([first, ...rest]))
    const budget =
      whole.budget === undefined
        ? undefined
        : { ...this.source, value: whole.budget, under: ["budget"] }
    const problemAt: Plan["problemAt"] = (path, found, expected) =>
      this.problem("invalid_value", path, found, expected)
    return Result.succeed({ budget, agents, problemAt })
  }

  private agents(value: unknown): readonly PlannedAgent[] {
    if (Array.isArray(value) && value.length > 0)
      return value.map((agent, index) => this.agent(["agents", String(index)], agent))
    this.wrong(["agents"], value, "a list of at least one agent")
    return []
  }

  private agent(path: Path, value: unknown): PlannedAgent {
    const agent = isMap(value) ? value : {}
    if (!isMap(value)) this.wrong(path, value, `a map of ${AGENT_KEYS.join(", ")}`)
    this.knownKeys(path, agent, AGENT_KEYS)
    const id = this.name([...path, "id"], agent.id)
    return {
      id,
      task: agent.task === undefined ? id : this.name([...path, "task"], agent.task),
      command: this.command([...path, "command"], agent.command),
      cwd: this.directory([...path, "cwd"], agent.cwd),
      env: this.environment([...path, "env"], agent.env),
      meter: this.oneOf([...path, "meter"], agent.meter, METERS),
      agent: this.oneOf([...path, "agent"], agent.agent, AGENT_PROGRAMS),
      limits: this.limits([...path, "limits"], agent.limits),
    }
  }

  private name(path: Path, value: unknown): string {
    if (typeof value === "string" && value.length > 0 && value.length <= NAME_LENGTH_MAX)
      return value
    return this.wrong(path, value, `a text of 1 to ${NAME_LENGTH_MAX} characters`) ?? ""
  }

  private command(path: Path, value: unknown): PlannedAgent["command"] {
    if (typeof value === "string" && value.trim() !== "") return ["sh", "-c", value]
    if (Array.isArray(value) && value.every((word) => typeof word === "string")) {
      const [program, ...rest] = value
      if (program !== undefined && program !== "") return [program, ...rest]
    }
    this.wrong(path, value, "a list of texts (program, arguments), or one text for `sh -c`")
    return [""]
  }

  private directory(path: Path, value: unknown): string {
    if (value === undefined) return this.folder
    if (typeof value === "string" && value !== "")
      return isAbsolute(value) ? value : resolve(this.folder, value)
    this.wrong(path, value, "a folder, relative to the plan")
    return this.folder
  }

  private environment(path: Path, value: unknown): Readonly<Record<string, string>> {
    if (value === undefined) return {}
    if (!isMap(value)) {
      this.wrong(path, value, "a map of names to texts")
      return {}
    }
    const wrong = Object.entries(value).filter(([, text]) => typeof text !== "string")
    for (const [name, text] of wrong)
      this.wrong([...path, name], text, 'a text; write numbers in quotes, as "1"')
    return value as Readonly<Record<string, string>>
  }

  /** `auto` where nothing is said. */
  private oneOf<Name extends string>(
    path: Path,
    value: unknown,
    names: readonly ["auto", ...(readonly Name[])],
  ): "auto" | Name {
    const found = names.find((name) => name === (value ?? "auto"))
    if (found === undefined) this.wrong(path, value, `one of ${names.join(", ")}`)
    return found ?? "auto"
  }

  private limits(path: Path, value: unknown): PlanLimits {
    if (value === undefined) return {}
    if (!isMap(value)) {
      this.wrong(path, value, `a map of ${LIMIT_KEYS.join(", ")}`)
      return {}
    }
    this.knownKeys(path, value, LIMIT_KEYS)
    const settings = LIMIT_KEYS.flatMap((key) => settingNamed(key) ?? [])
    const known = Object.fromEntries(
      LIMIT_KEYS.flatMap((key) => (Object.hasOwn(value, key) ? [[key, value[key]]] : [])),
    )
    const source = { ...this.source, value: known, under: path }
    const { patch, problems } = decodeValues(source, settings)
    this.problems.push(...problems.map((problem) => ({ ...problem, key: indexed(problem.key) })))
    const limits: { -readonly [Key in keyof PlanLimits]: PlanLimits[Key] } = {}
    for (const key of LIMIT_KEYS) {
      const limit = patch[key]
      // Unlimited lowers nothing: the general limit stays.
      if (typeof limit === "number") limits[key] = limit
    }
    return limits
  }

  private distinctNames(agents: readonly PlannedAgent[]): void {
    const seen = new Set<string>()
    for (const [index, { id }] of agents.entries()) {
      if (id !== "" && seen.has(id))
        this.wrong(["agents", String(index), "id"], id, "a name that no other agent has")
      seen.add(id)
    }
  }
}
