/**
 * One agent's life: starting → running → stopping {grace → killing → unkillable} → ended.
 *
 * It counts nothing: the supervisor tells it crossings and when to stop. The host does its work
 * (`startWork`, `interrupt`, `killTree`) and reports back; the agent is over when its tree is.
 */
import { assertEvent, assign, sendParent, setup } from "xstate"
import type {
  AgentId,
  AgentKey,
  BudgetStatus,
  Instant,
  Mechanism,
  ProcessIdentity,
  StopReason,
  TaskId,
} from "./vocabulary.ts"

/** How the work itself ended; `treeGone` false while something it started still lives. */
export interface WorkExited {
  readonly type: "work.exited"
  readonly at: Instant
  readonly outcome: "completed" | "failed"
  readonly mechanism: Mechanism
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
  readonly treeGone: boolean
}

export type AgentEvent =
  | {
      readonly type: "work.started"
      readonly at: Instant
      readonly process: ProcessIdentity | null
    }
  | WorkExited
  | {
      readonly type: "spawn.failed"
      readonly at: Instant
      readonly error: string
      readonly exitCode: number | null
    }
  | { readonly type: "stop.requested"; readonly at: Instant; readonly reason: StopReason }
  | { readonly type: "grace.elapsed"; readonly at: Instant }
  /** A new call after a token or cost stop: grace is for winding down, not for spending. */
  | { readonly type: "grace.spent"; readonly at: Instant }
  | { readonly type: "kill.elapsed"; readonly at: Instant }
  | { readonly type: "tree.reaped"; readonly at: Instant; readonly mechanism: Mechanism }
  | { readonly type: "limit.crossed"; readonly at: Instant; readonly status: BudgetStatus }

/** What an agent tells upwards while it lives. */
export type AgentNotice = {
  readonly type: "agent.killing" | "agent.unkillable"
  readonly key: AgentKey
  readonly at: Instant
}

export interface AgentInput {
  readonly key: AgentKey
  readonly agentId: AgentId
  readonly taskId: TaskId
  readonly deadlineAt: Instant | null
  /** Set when its work was begun under another supervisor and goes on. */
  readonly isResumed?: true
}

export interface AgentContext extends AgentInput {
  readonly reason: StopReason | null
  readonly endedAt: Instant | null
  readonly exit: Pick<WorkExited, "mechanism" | "exitCode" | "signal" | "error"> | null
  readonly status: BudgetStatus
}

export interface AgentOutput {
  readonly key: AgentKey
  readonly reason: StopReason
  readonly mechanism: Mechanism
  /** Null when its machine crashed and nobody knows. */
  readonly endedAt: Instant | null
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

const outputOf = (context: AgentContext): AgentOutput => ({
  key: context.key,
  reason: context.reason ?? "failed",
  mechanism: context.exit?.mechanism ?? "vanished",
  endedAt: context.endedAt,
  exitCode: context.exit?.exitCode ?? null,
  signal: context.exit?.signal ?? null,
  error: context.exit?.error ?? null,
})

export const agentMachine = setup({
  types: {
    context: {} as AgentContext,
    events: {} as AgentEvent,
    input: {} as AgentInput,
    output: {} as AgentOutput,
  },
  guards: {
    treeGone: ({ event }) => event.type === "work.exited" && event.treeGone,
  },
  actions: {
    // The host provides these; alone, the machine only decides.
    startWork: (_, _params: AgentInput) => {},
    interrupt: (_, _params: { readonly key: AgentKey }) => {},
    killTree: (_, _params: { readonly key: AgentKey }) => {},
    warn: (_, _params: { readonly key: AgentKey; readonly status: BudgetStatus }) => {},

    latchStop: assign(({ context, event }) => {
      assertEvent(event, "stop.requested")
      return { reason: context.reason ?? event.reason }
    }),
    latchExit: assign(({ context, event }) => {
      assertEvent(event, "work.exited")
      return {
        reason: context.reason ?? event.outcome,
        exit: context.exit ?? event,
        endedAt: event.at,
      }
    }),
    latchFailedSpawn: assign(({ context, event }) => {
      assertEvent(event, "spawn.failed")
      const exit = {
        mechanism: "exited",
        exitCode: event.exitCode,
        signal: null,
        error: event.error,
      } as const
      return { reason: context.reason ?? "spawn_failed", exit, endedAt: event.at }
    }),
    latchReaping: assign(({ context, event }) => {
      assertEvent(event, "tree.reaped")
      const exit = { mechanism: event.mechanism, exitCode: null, signal: null, error: null }
      return { exit: context.exit ?? exit, endedAt: event.at }
    }),
    noteStatus: assign(({ event }) => {
      assertEvent(event, "limit.crossed")
      return { status: event.status }
    }),
    tellKilling: sendParent(({ context, event }) => ({
      type: "agent.killing",
      key: context.key,
      at: event.at,
    })),
    tellUnkillable: sendParent(({ context, event }) => ({
      type: "agent.unkillable",
      key: context.key,
      at: event.at,
    })),
  },
}).createMachine({
  id: "agent",
  context: ({ input }) => ({
    ...input,
    reason: null,
    endedAt: null,
    exit: null,
    status: "within_budget",
  }),
  initial: "starting",
  output: ({ context }) => outputOf(context),
  states: {
    starting: {
      entry: { type: "startWork", params: ({ context }) => context },
      on: {
        "work.started": { target: "running" },
        "spawn.failed": { target: "ended", actions: "latchFailedSpawn" },
        "work.exited": [
          { guard: "treeGone", target: "ended", actions: "latchExit" },
          { target: "stopping", actions: "latchExit" },
        ],
        "stop.requested": { target: "stopping", actions: "latchStop" },
      },
    },
    running: {
      on: {
        "work.exited": [
          { guard: "treeGone", target: "ended", actions: "latchExit" },
          { target: "stopping", actions: "latchExit" },
        ],
        "stop.requested": { target: "stopping", actions: "latchStop" },
        "limit.crossed": {
          actions: [
            "noteStatus",
            {
              type: "warn",
              params: ({ context, event }) => ({ key: context.key, status: event.status }),
            },
          ],
        },
      },
    },
    stopping: {
      initial: "grace",
      on: {
        "work.exited": [
          { guard: "treeGone", target: "ended", actions: "latchExit" },
          { actions: "latchExit" },
        ],
        "spawn.failed": { target: "ended", actions: "latchFailedSpawn" },
        "tree.reaped": { target: "ended", actions: "latchReaping" },
      },
      states: {
        grace: {
          entry: { type: "interrupt", params: ({ context }) => ({ key: context.key }) },
          on: { "grace.elapsed": "killing", "grace.spent": "killing" },
        },
        killing: {
          entry: [
            { type: "killTree", params: ({ context }) => ({ key: context.key }) },
            "tellKilling",
          ],
          on: { "kill.elapsed": "unkillable" },
        },
        unkillable: { entry: "tellUnkillable" },
      },
    },
    ended: { type: "final" },
  },
})
