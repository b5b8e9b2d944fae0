/**
 * The supervisor's vocabulary: what it knows, what it answers, and the ports its host provides.
 * Its guards and its actions extend this, each in a file of their own.
 */
import { setup } from "xstate"
import { agentMachine } from "./agent.ts"
import { createAgentPool } from "./agent-pool.ts"
import type { Budget } from "./budget/budget.ts"
import type { Refusal, Row } from "./budget/row.ts"
import { createDeadlines } from "./deadlines.ts"
import type { SupervisorEvent } from "./events.ts"
import type { Fact } from "./facts.ts"
import { EMPTY_HOLD_QUEUE, EMPTY_QUEUE, type HoldQueue, type Queue } from "./queue.ts"
import type { HoldId, Instant, RequestId, Tokens } from "./vocabulary.ts"

export interface SupervisorInput {
  readonly budget: Budget
  readonly at: Instant
}

export interface SupervisorContext {
  readonly budget: Budget
  /** What its first deadline is counted from. */
  readonly startedAt: Instant
  readonly queue: Queue
  readonly holdQueue: HoldQueue
  readonly life: "open" | "draining" | "stopped"
  readonly ledgerWritable: boolean
  /** A summary is due within `SUMMARY_EVERY_MS`; changes until then ride along. */
  readonly summaryDue: boolean
}

/** The answer to a request, once there is one; released to its asker when row `seq` is durable. */
export interface Answer {
  readonly id: RequestId | HoldId
  readonly granted: boolean
  readonly refusal: Refusal | null
  readonly seq: number
  /** What a hold of a call was granted; null for any other answer. */
  readonly grant: HoldGrant | null
}

export interface HoldGrant {
  readonly tokens: Tokens
  /** What each answer of the call may have. */
  readonly outputTokens: Tokens
  /** Only what was set aside for winding down is left. */
  readonly wrapsUp: boolean
}

/** At most one `summary` fact in this time, however much happens. */
export const SUMMARY_EVERY_MS = 1_000

/** After SIGKILL, how long until a tree that still lives is called unkillable. */
export const KILL_MS = 5_000

export const contextOf = ({ budget, at }: SupervisorInput): SupervisorContext => ({
  budget,
  startedAt: at,
  queue: EMPTY_QUEUE,
  holdQueue: EMPTY_HOLD_QUEUE,
  life: "open",
  ledgerWritable: true,
  summaryDue: false,
})

/** What guards and actions are written against; each extends it in a file of its own. */
export const base = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as SupervisorInput,
    emitted: {} as Fact,
    children: {} as { pool: "pool"; deadlines: "deadlines" },
  },
  actors: { pool: createAgentPool(agentMachine), deadlines: createDeadlines() },
  actions: {
    // The host provides these two: rows for the ledger, and answers held until they are durable.
    append: (_, _params: { readonly rows: readonly Row[] }) => {},
    reply: (_, _params: Answer) => {},
  },
})
