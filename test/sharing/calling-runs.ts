/** Real runs whose agents call a model server of ours, and what came of all their calls. */
import { fileURLToPath } from "node:url"
import type { Row } from "../../machines/budget/row.ts"
import type { Summary } from "../../machines/budget/summary.ts"
import { type Place, STINT, StintProcess, startRun } from "../edges/cli/stint-process.ts"
import type { ModelServer, ServedCall } from "../gateway/model-server.ts"
import { rowsOf } from "./calls-world.ts"

export const fixture = (name: string): string =>
  fileURLToPath(new URL(`./fixtures/${name}`, import.meta.url))

export const CALLER = fixture("caller.ts")

export const upstreamsOf = (models: ModelServer): NodeJS.ProcessEnv => ({
  ANTHROPIC_BASE_URL: models.url,
  ANTHROPIC_API_KEY: "sk-real-and-secret",
})

export interface Calling {
  readonly place: Place
  readonly models: ModelServer
  readonly words?: readonly string[]
  readonly count?: number
  readonly width?: number
  readonly gate?: string
}

/** A run of one agent, which says its name in each call. */
export const startCaller = (name: string, calling: Calling): StintProcess => {
  const { place, models, words = [], count = 1, width = 1, gate } = calling
  const program = [process.execPath, "--no-warnings", CALLER, name, `${count}`, `${width}`]
  const command = gate === undefined ? program : [...program, gate]
  const options = ["--id", name, "--agent", "anthropic-sdk", ...words]
  return startRun(place, [...options, "--", ...command], upstreamsOf(models))
}

export const callsOf = (models: ModelServer, name: string): readonly ServedCall[] =>
  models.calls.filter(({ body }) => body.includes(`"content":${JSON.stringify(name)}`))

export const billOf = (calls: readonly ServedCall[]): number =>
  calls.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)

export const standing = async (place: Place): Promise<Summary> => {
  const words = [...STINT, "status", "--json", "--ledger", place.ledger]
  const { stdout } = await new StintProcess(words, place).ended
  return JSON.parse(stdout.toString("utf8"))
}

/** Asks for the standing until it is as wanted. */
export const stands = async (
  place: Place,
  wanted: (summary: Summary) => boolean,
): Promise<Summary> => {
  const deadline = performance.now() + 40_000
  for (;;) {
    const summary = await standing(place)
    if (wanted(summary)) return summary
    if (performance.now() > deadline) throw new Error(JSON.stringify(summary, null, 1))
  }
}

export const agentIn = (summary: Summary, id: string) =>
  summary.agentUsage.find(({ agentId }) => agentId === id)

const ENDS: ReadonlySet<Row["kind"]> = new Set(["hold_settled", "hold_voided", "hold_expired"])

export interface Reckoned {
  /** How many calls of the agent ended in each way. */
  readonly settled: number
  readonly charged: number
  readonly voided: number
  /** Of those that were settled. */
  readonly usedTokens: number
  readonly usedMicroUsd: number
  /** Charged, and not corrected. */
  readonly chargedTokens: number
  /** Holds that ended twice, or never. */
  readonly astray: readonly string[]
  readonly ends: readonly string[]
}

/** From the rows alone: what the calls of an agent came to, and that each came to it once. */
export const reckoned = async (place: Place, agentId: string): Promise<Reckoned> => {
  const all = await rowsOf(place.ledger)
  const keys = new Set(
    all.flatMap((row) => (row.kind === "admitted" && row.agentId === agentId ? [row.key] : [])),
  )
  const rows = all.filter((row) => "key" in row && keys.has(row.key as never))
  const of = <Kind extends Row["kind"]>(kind: Kind) =>
    rows.filter((row): row is Extract<Row, { kind: Kind }> => row.kind === kind)
  const settled = of("hold_settled")
  const expired = of("hold_expired")
  const corrections = of("corrected")
  const endsOf = (id: string): number =>
    rows.filter((row) => ENDS.has(row.kind) && "holdId" in row && row.holdId === id).length
  const sum = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0)
  return {
    settled: settled.length,
    charged: expired.length,
    voided: of("hold_voided").length,
    usedTokens:
      sum(settled.map(({ tokens }) => tokens)) + sum(corrections.map((row) => row.tokens)),
    usedMicroUsd: sum(settled.map(({ costMicroUsd }) => costMicroUsd ?? 0)),
    chargedTokens:
      sum(expired.map(({ heldTokens }) => heldTokens)) -
      sum(corrections.map(({ tokensBefore }) => tokensBefore)),
    astray: of("hold_placed").flatMap(({ holdId }) => (endsOf(holdId) === 1 ? [] : [holdId])),
    ends: of("ended").map(({ reason }) => reason),
  }
}
