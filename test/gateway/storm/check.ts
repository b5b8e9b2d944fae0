/**
 * What must be true after every storm, by the provider's own bill. Each sentence is a breach.
 *
 * The bill and the ledger are equal where every call was reported. What no report came of is charged
 * as it was held, and shown as uncertain: then the ledger is the larger one.
 */
import type { Row } from "../../../machines/budget/row.ts"
import type { AgentSummary } from "../../../machines/budget/summary.ts"
import type { Usage } from "../../../machines/vocabulary.ts"
import type { ServedCall } from "../model-server.ts"
import type { StormPlan } from "./plan.ts"
import type { Aftermath } from "./storm.ts"

export interface Bill {
  readonly tokens: number
  readonly costMicroUsd: number
}

export const breachesOf = (after: Aftermath): readonly string[] => [
  ...after.during,
  ...billsWithinLimits(after),
  ...ledgerCoversBills(after),
  ...reportsAreBills(after),
  ...endsOfHolds(after.rows),
  ...leftOver(after),
]

const sumOf = (bills: readonly Bill[]): Bill => ({
  tokens: bills.reduce((sum, { tokens }) => sum + tokens, 0),
  costMicroUsd: bills.reduce((sum, { costMicroUsd }) => sum + costMicroUsd, 0),
})

const WEIGHTS = { input: 1, output: 1 }

/** Weighed as the settings say, each call rounded up once, in whole thousandths. */
const billOf = ({ budget }: StormPlan, { inputTokens, outputTokens }: ServedCall): Bill => {
  const { input, output } = { ...WEIGHTS, ...budget.tokenWeights }
  const thousandths =
    Math.round(input * 1000) * inputTokens + Math.round(output * 1000) * outputTokens
  return {
    tokens: Math.ceil(thousandths / 1000),
    costMicroUsd: 3 * inputTokens + 15 * outputTokens,
  }
}

/** Calls are made for a model of their agent's name. */
const callsOf = (after: Aftermath, agentId: string): readonly ServedCall[] =>
  after.served.filter(({ model }) => model === agentId)

const billOfAgent = (after: Aftermath, agentId: string): Bill =>
  sumOf(callsOf(after, agentId).map((call) => billOf(after.plan, call)))

const billOfDay = (after: Aftermath): Bill =>
  sumOf(after.served.map((call) => billOf(after.plan, call)))

const above = (what: string, amount: number, limit: number | null | undefined): string[] =>
  typeof limit === "number" && amount > limit ? [`${what}: ${amount} above ${limit}`] : []

const billsWithinLimits = (after: Aftermath): readonly string[] => {
  const { budget, agents } = after.plan
  const day = billOfDay(after)
  return [
    ...above("the day's bill is over its limit of tokens", day.tokens, budget.dailyTokenLimit),
    ...above(
      "the day's bill is over its limit of money",
      day.costMicroUsd,
      budget.dailyCostLimitMicroUsd,
    ),
    ...agents.flatMap(({ agentId }) => {
      const bill = billOfAgent(after, agentId)
      return [
        ...above(
          `${agentId}'s bill is over its limit of tokens`,
          bill.tokens,
          budget.perAgentTokenLimit,
        ),
        ...above(
          `${agentId}'s bill is over its limit of money`,
          bill.costMicroUsd,
          budget.perAgentCostLimitMicroUsd,
        ),
      ]
    }),
  ]
}

/** Confirmed and uncertain together. */
const ledgerCoversBills = (after: Aftermath): readonly string[] => {
  const { summary, plan } = after
  const day = billOfDay(after)
  const agents = summary.agentUsage.flatMap((agent) => {
    const bill = billOfAgent(after, agent.agentId)
    return [
      ...above(`${agent.agentId}'s bill is over what was counted`, bill.tokens, agent.totalTokens),
      ...above(
        `${agent.agentId}'s bill is over the cost that was counted`,
        bill.costMicroUsd,
        agent.costMicroUsd,
      ),
    ]
  })
  return [
    ...above("the day's bill is over what was counted", day.tokens, summary.dailyTokensUsed),
    ...above(
      "the day's bill is over the cost that was counted",
      day.costMicroUsd,
      summary.dailyCostMicroUsd,
    ),
    ...agents,
    ...(plan.isCalm ? differences(after, day) : []),
  ]
}

/** Where the gateway could hear what each call came to, nothing is uncertain and all is equal. */
const differences = ({ summary }: Aftermath, day: Bill): readonly string[] => {
  const counted = {
    tokens: summary.dailyTokensUsed,
    uncertain: summary.uncertainTokens,
    costMicroUsd: summary.dailyCostMicroUsd,
  }
  const billed = { tokens: day.tokens, uncertain: 0, costMicroUsd: day.costMicroUsd }
  return JSON.stringify(counted) === JSON.stringify(billed)
    ? []
    : [`counted ${JSON.stringify(counted)}, billed ${JSON.stringify(billed)}`]
}

/** Each report is one call of the bill, to the token; what is left of the bill was charged. */
const reportsAreBills = (after: Aftermath): readonly string[] =>
  after.summary.agentUsage.flatMap((agent) => {
    const { agentId } = agent
    const left = callsOf(after, agentId).filter(wasBilled)
    const strange: string[] = []
    for (const usage of reportsOf(after.rows, keyOf(after.rows, agentId))) {
      const at = left.findIndex((call) => isOf(call, usage))
      if (at >= 0) left.splice(at, 1)
      else
        strange.push(`${agentId} was reported a call that nobody billed: ${JSON.stringify(usage)}`)
    }
    const rest = sumOf(left.map((call) => billOf(after.plan, call)))
    return [...strange, ...restIsCharged(agent, rest, after)]
  })

const restIsCharged = (agent: AgentSummary, rest: Bill, after: Aftermath): readonly string[] => {
  const key = keyOf(after.rows, agent.agentId)
  const charged = after.rows.reduce((sum, row) => sum + uncertainIn(row, key), 0)
  return above(`${agent.agentId}'s unreported calls are over its charges`, rest.tokens, charged)
}

const wasBilled = ({ inputTokens, outputTokens }: ServedCall): boolean =>
  inputTokens + outputTokens > 0

const isOf = (call: ServedCall, usage: Usage): boolean =>
  call.inputTokens === usage.inputTokens && call.outputTokens === usage.outputTokens

const keyOf = (rows: readonly Row[], agentId: string): string | null => {
  const row = rows.find((each) => each.kind === "admitted" && each.agentId === agentId)
  return row !== undefined && "key" in row ? String(row.key) : null
}

/** Reports of the provider's own words; those of nothing are of calls that were not billed. */
const reportsOf = (rows: readonly Row[], key: string | null): readonly Usage[] =>
  rows
    .flatMap((row) => {
      if (row.kind === "corrected" && row.key === key) return [row.usage]
      const isReport = row.kind === "hold_settled" && row.provenance === "reported"
      return isReport && row.key === key ? [row.usage] : []
    })
    .filter(({ inputTokens, outputTokens }) => inputTokens + outputTokens > 0)

const uncertainIn = (row: Row, key: string | null): number => {
  if (!("key" in row) || row.key !== key) return 0
  if (row.kind === "hold_expired") return row.heldTokens
  if (row.kind === "corrected") return -row.uncertainBefore
  return row.kind === "hold_settled" && row.provenance !== "reported" ? row.tokens : 0
}

const ENDS: ReadonlySet<Row["kind"]> = new Set(["hold_settled", "hold_voided", "hold_expired"])

const endsOfHolds = (rows: readonly Row[]): readonly string[] => {
  const ends = new Map<string, number>()
  const corrections = new Map<string, number>()
  for (const row of rows) {
    if (row.kind === "hold_placed") ends.set(row.holdId, 0)
    else if (ENDS.has(row.kind) && "holdId" in row)
      ends.set(row.holdId, (ends.get(row.holdId) ?? 0) + 1)
    else if (row.kind === "corrected" && "holdId" in row.ref)
      corrections.set(row.ref.holdId, (corrections.get(row.ref.holdId) ?? 0) + 1)
  }
  return [
    ...[...ends].filter(([, count]) => count !== 1).map(([id, n]) => `hold ${id} ended ${n} times`),
    ...[...corrections]
      .filter(([, count]) => count > 1)
      .map(([id, n]) => `hold ${id} was corrected ${n} times`),
  ]
}

const leftOver = ({ summary, openSockets }: Aftermath): readonly string[] => {
  const left = {
    heldTokens: summary.heldTokens,
    heldCostMicroUsd: summary.heldCostMicroUsd,
    overrunTokens: summary.overrunTokens,
    overrunCostMicroUsd: summary.overrunCostMicroUsd,
    unpricedCalls: summary.unpricedCalls,
    openSockets,
  }
  return Object.entries(left)
    .filter(([, amount]) => amount !== 0)
    .map(([name, amount]) => `${name} is ${amount} when all is quiet`)
}
