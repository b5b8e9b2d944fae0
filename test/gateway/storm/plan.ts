/** A storm from its seed: who asks what of whom, what goes wrong on the way, and what may be spent. */
import { DEFAULT_SETTINGS } from "../../../machines/budget/settings.ts"
import type { BudgetOptions } from "../../../src/config/decode.ts"
import type { GatewaySettings } from "../../../src/gateway/settings.ts"
import { SeededRandom } from "../../simulation/seeded-random.ts"
import type { Behaviour, Fault } from "../model-server.ts"
import { type PlannedRequest, planRequest } from "./requests.ts"

export interface AgentPlan {
  readonly agentId: string
  readonly queue: boolean
  /** When it is stopped it goes on until its calls have ended; otherwise they end after it. */
  readonly lingers: boolean
}

export interface Attempt extends Behaviour {
  /** The client leaves so many turns of the loop after it asked, or after it saw the answer begin. */
  readonly leaves: { readonly after: "asking" | "head"; readonly turns: number } | null
}

export interface CallPlan {
  readonly request: PlannedRequest
  /** The first, and what is tried again when it goes wrong. */
  readonly attempts: readonly Attempt[]
}

export interface ClientPlan {
  readonly agentAt: number
  readonly calls: readonly CallPlan[]
}

export interface StormPlan {
  readonly seed: number
  /** Nothing goes wrong but what still lets the gateway hear what each call came to. */
  readonly isCalm: boolean
  readonly ledger: "memory" | "sqlite"
  readonly budget: BudgetOptions
  readonly settings: Partial<GatewaySettings>
  readonly agents: readonly AgentPlan[]
  readonly clients: readonly ClientPlan[]
  /** The provider's tokenizer: so many bytes of text are a token, and so many are put around it. */
  readonly bytesAToken: number
  readonly templateTokens: number
  readonly countWorks: boolean
}

export const CLIENTS = 200

export const planStorm = (seed: number): StormPlan => {
  const random = new SeededRandom(seed)
  const isCalm = random.chance(30)
  const agents = Array.from({ length: 3 + random.below(5) }, (_, at) => ({
    agentId: `agent-${at}`,
    queue: random.chance(85),
    // Otherwise what it has open is charged at its end, also what had not left yet.
    lingers: isCalm || random.chance(50),
  }))
  const client = (): ClientPlan => ({
    agentAt: random.below(agents.length),
    calls: Array.from({ length: 1 + random.below(2) }, () => planCall(random, isCalm)),
  })
  return {
    seed,
    isCalm,
    ledger: random.chance(70) ? "sqlite" : "memory",
    budget: planBudget(random, agents.length),
    settings: planSettings(random, isCalm),
    agents,
    clients: Array.from({ length: CLIENTS }, client),
    bytesAToken: random.pick([1, 1, 2, 4]),
    templateTokens: random.pick([0, 8, 300, 1_024]),
    countWorks: random.chance(70),
  }
}

const planBudget = (random: SeededRandom, agents: number): BudgetOptions => {
  const perAgent = random.chance(15) ? null : 8_000 + random.below(60_000)
  const all = (perAgent ?? 30_000) * agents
  const money = random.chance(40)
  return {
    perAgentTokenLimit: perAgent,
    dailyTokenLimit: random.chance(20) ? null : Math.ceil(all / 4) + random.below(all),
    perAgentCostLimitMicroUsd: money ? 40_000 + random.below(300_000) : null,
    dailyCostLimitMicroUsd: money && random.chance(50) ? 150_000 + random.below(800_000) : null,
    reserveForWrapUp: perAgent !== null && random.chance(30) ? random.below(4_000) : 0,
    tokenWeights: random.pick([
      DEFAULT_SETTINGS.tokenWeights,
      { input: 1, output: 1, cacheWrite: 1, cacheRead: 1 },
      { input: 0.25, output: 1.5, cacheWrite: 1.125, cacheRead: 0.1 },
      { input: 3, output: 0.333, cacheWrite: 0, cacheRead: 0 },
    ]),
    maxConcurrentAgents: agents,
    graceSeconds: 1,
    ...farFromMidnight(new Date()),
  }
}

/** A day that ends while it is being counted would be counted in two. */
const farFromMidnight = (now: Date): { readonly timeZone: string } => ({
  timeZone: now.getUTCHours() === 23 ? "Etc/GMT+6" : "UTC",
})

const planSettings = (random: SeededRandom, isCalm: boolean): Partial<GatewaySettings> => ({
  minAnswerTokens: random.pick([1, 1, 16, 64]),
  defaultOutputTokens: random.pick([100, 400, 1_200]),
  waitMs: random.pick([20, 1_000, 5_000, 5_000]),
  idleMs: isCalm ? 60_000 : random.pick([150, 400]),
  drainMs: isCalm ? 60_000 : random.pick([1, 50, 200]),
  drainBytesMax: isCalm ? 16_777_216 : random.pick([200, 2_000, 16_777_216]),
  closeMs: 200,
  wrapUpNote: random.chance(50),
})

const planCall = (random: SeededRandom, isCalm: boolean): CallPlan => ({
  request: planRequest(random),
  attempts: Array.from({ length: 1 + random.below(3) }, () => planAttempt(random, isCalm)),
})

const planAttempt = (random: SeededRandom, isCalm: boolean): Attempt => ({
  fault: planFault(random, isCalm ? CALM_FAULTS : ROUGH_FAULTS),
  answerTokens: random.pick([0, 1, 20, 150, 400, 2_000]),
  finishes: random.chance(50),
  leaves: random.chance(80)
    ? null
    : { after: random.pick(["asking", "head"]), turns: random.below(30) },
})

type Weighed = readonly (readonly [number, (random: SeededRandom) => Fault])[]

/** What each call came to is said, or clear from the status. */
const CALM_FAULTS: Weighed = [
  [3, (random) => ({ kind: "status", status: random.pick([400, 401, 404, 422, 503]) })],
  [3, (random) => ({ kind: "status", status: 429, headers: retryAfter(random) })],
  [2, (random) => ({ kind: "status", status: random.pick([500, 529]) })],
  [2, () => ({ kind: "errorEvent", after: "nothing" })],
  [3, () => ({ kind: "gzip" })],
  [1, () => ({ kind: "trailers" })],
  [1, () => ({ kind: "wrongContentType" })],
  [4, (random) => ({ kind: "stepwise", next: () => turns(random.below(4)) })],
]

const ROUGH_FAULTS: Weighed = [
  ...CALM_FAULTS,
  [3, () => ({ kind: "resetBeforeHeaders" })],
  [3, () => ({ kind: "resetAfterHeaders" })],
  [4, () => ({ kind: "halfStream" })],
  [3, (random) => ({ kind: "silence", after: random.pick(["request", "headers", "half"]) })],
  [2, (random) => ({ kind: "status", status: random.pick([408, 409, 499, 504, 524]) })],
  [2, () => ({ kind: "errorEvent", after: "half" })],
  [2, () => ({ kind: "malformed" })],
  [1, () => ({ kind: "saysNoUsage" })],
]

const planFault = (random: SeededRandom, faults: Weighed): Fault | null =>
  random.chance(75) ? null : (random.choose(faults)?.(random) ?? null)

const retryAfter = (random: SeededRandom): Record<string, string> =>
  random.chance(50) ? { "retry-after": "1" } : {}

export const turns = async (count: number): Promise<void> => {
  for (let at = 0; at < count; at += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Nothing but the race for the last tokens: no faults, and answers as long as they may be. */
export const planRace = (seed: number): StormPlan => {
  const plan = planStorm(seed)
  const attempts = [{ fault: null, answerTokens: 2_000, finishes: true, leaves: null }]
  return {
    ...plan,
    isCalm: true,
    budget: {
      perAgentTokenLimit: 20_000,
      dailyTokenLimit: 18_000 * plan.agents.length,
      maxConcurrentAgents: plan.agents.length,
      ...farFromMidnight(new Date()),
    },
    settings: { minAnswerTokens: 1, defaultOutputTokens: 1_200, waitMs: 10_000, closeMs: 200 },
    agents: plan.agents.map((agent) => ({ ...agent, queue: true, lingers: true })),
    clients: plan.clients.map((client) => ({
      ...client,
      calls: client.calls.map((call) => ({ ...call, attempts })),
    })),
    bytesAToken: 1,
    countWorks: true,
  }
}
