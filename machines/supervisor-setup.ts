/**
 * The supervisor's vocabulary: its types, its named guards, and the actions that carry a
 * decision out. No action chooses a verdict; `commit` only folds in what a guard let through.
 */
import { assertEvent, setup } from "xstate"
import { type AgentEvent, agentMachine } from "./agent.ts"
import { createAgentPool, type PoolEvent } from "./agent-pool.ts"
import { closed, judgeSlot, SPAWN_ASKS } from "./budget/admission.ts"
import { agentOf, type Budget, type Hold, holdOf } from "./budget/budget.ts"
import type { Decision } from "./budget/decision.ts"
import { decideHold, type HoldRequest, refuseUnwritable } from "./budget/holds.ts"
import type { Refusal, Row } from "./budget/row.ts"
import { decideSpawn, refuseSpawn } from "./budget/spawning.ts"
import { decideExhaustion, decideStopAll, isDayFull } from "./budget/stopping.ts"
import { summarise } from "./budget/summary.ts"
import { createDeadlines, type DeadlinesEvent } from "./deadlines.ts"
import * as Decisions from "./decisions.ts"
import type { SupervisorEvent } from "./events.ts"
import { consequencesOf, type Fact, KILL_MS } from "./facts.ts"
import {
  dequeue,
  EMPTY_HOLD_QUEUE,
  EMPTY_QUEUE,
  type HoldQueue,
  hasHoldOf,
  headOf,
  headsOf,
  isHoldWaiting,
  isWaiting,
  enqueue as joinQueue,
  lengthOf,
  type Queue,
  withdraw,
  withdrawHold,
} from "./queue.ts"
import { resumptionOf } from "./resumption.ts"
import type { AgentKey, HoldId, Instant, RequestId, Tokens } from "./vocabulary.ts"

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

export const contextOf = ({ budget, at }: SupervisorInput): SupervisorContext => ({
  budget,
  startedAt: at,
  queue: EMPTY_QUEUE,
  holdQueue: EMPTY_HOLD_QUEUE,
  life: "open",
  ledgerWritable: true,
  summaryDue: false,
})

const base = setup({
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

type Enqueue = Parameters<Parameters<typeof base.enqueueActions>[0]>[0]["enqueue"]

/** Folds a decision in: rows to the ledger, facts to listeners, commands to the children. */
const commit = (enqueue: Enqueue, context: SupervisorContext, decision: Decision): void => {
  const { rows, before, after } = decision
  const at = rows[0]?.at
  if (at === undefined) return
  enqueue.assign({ budget: after, summaryDue: true })
  enqueue({ type: "append", params: { rows } })
  const { facts, pool, deadlines } = consequencesOf(before, after, rows)
  for (const event of deadlines) enqueue.sendTo("deadlines", event)
  for (const event of pool) enqueue.sendTo("pool", event)
  for (const fact of facts) enqueue.emit(fact)
  if (context.summaryDue) return
  const deadline = { of: "summary" } as const
  enqueue.sendTo("deadlines", { type: "deadline.set", deadline, dueAt: at + SUMMARY_EVERY_MS, at })
}

const answer = (enqueue: Enqueue, id: Answer["id"], granted: boolean, decision: Decision): void =>
  enqueue({
    type: "reply",
    params: { id, granted, refusal: decision.refusal, seq: decision.after.seq, grant: null },
  })

const answerHold = (enqueue: Enqueue, { holdId }: HoldRequest, decision: Decision): void => {
  const { refusal, after } = decision
  const hold = holdOf(after, holdId)
  const granted = admitsHold(decision.verdict)
  const grant = granted && hold !== undefined ? grantOf(after, hold) : null
  enqueue({ type: "reply", params: { id: holdId, granted, refusal, seq: after.seq, grant } })
}

const grantOf = (budget: Budget, { key, tokens, outputTokens }: Hold): HoldGrant => ({
  tokens,
  outputTokens,
  wrapsUp: agentOf(budget, key)?.wrappingUp ?? false,
})

const admitsHold = (verdict: string): boolean =>
  verdict === "admits" || verdict === "admitsWrappingUp" || verdict === "admitsFlagged"

/** Instant of any event; the first one has none, and comes at the start. */
const instantOf = (event: SupervisorEvent, context: SupervisorContext): Instant => {
  if (event.type === "agent.over") return event.output.endedAt ?? context.budget.window.startsAt
  return "at" in event ? event.at : context.startedAt
}

/** The head of the queue, judged at the moment of whatever just happened. */
const nextDecision = (context: SupervisorContext, event: SupervisorEvent) => {
  const head = headOf(context.queue)
  return head === undefined
    ? undefined
    : decideSpawn(context.budget, head, instantOf(event, context))
}

/** The first in line about whom there is something to say by now. */
const nextHoldDecision = (context: SupervisorContext, event: SupervisorEvent) => {
  if (lengthOf(context.holdQueue) === 0) return undefined
  const at = instantOf(event, context)
  for (const request of headsOf(context.holdQueue)) {
    const decision = decideHold(context.budget, request, at)
    if (decision.verdict !== "queues") return { request, decision }
  }
  return undefined
}

const admitsSpawn = (verdict: string): boolean =>
  verdict === "admits" || verdict === "admitsFlagged"

export const supervisorSetup = base.extend({
  guards: {
    // A spawn.
    admits: ({ context, event }) => {
      assertEvent(event, "agent.requested")
      return Decisions.spawnDecision(context.budget, event).verdict === "admits"
    },
    admitsFlagged: ({ context, event }) => {
      assertEvent(event, "agent.requested")
      return Decisions.spawnDecision(context.budget, event).verdict === "admitsFlagged"
    },
    queues: ({ context, event }) => {
      assertEvent(event, "agent.requested")
      return Decisions.spawnDecision(context.budget, event).verdict === "queues"
    },
    /** Somebody is already in line, and this one asks for the same thing and may wait. */
    queuesBehind: ({ context, event }) => {
      assertEvent(event, "agent.requested")
      const mayWait = event.request.queue && event.request.slot
      return mayWait && headOf(context.queue) !== undefined
    },
    waits: ({ context, event }) => {
      assertEvent(event, "agent.requested")
      return Decisions.spawnDecision(context.budget, event).verdict === "waits"
    },
    never: ({ context, event }) => {
      assertEvent(event, "agent.requested")
      return Decisions.spawnDecision(context.budget, event).verdict === "never"
    },
    /** An account without a slot: it starts nothing, and what was spent is counted even at the end. */
    onlyCounts: ({ context, event }) => {
      assertEvent(event, "agent.requested")
      const { verdict } = Decisions.spawnDecision(context.budget, event)
      return !event.request.slot && admitsSpawn(verdict)
    },
    nextAdmits: ({ context, event }) =>
      admitsSpawn(nextDecision(context, event)?.verdict ?? "queues"),
    nextIsRefused: ({ context, event }) => {
      const verdict = nextDecision(context, event)?.verdict
      return verdict === "waits" || verdict === "never"
    },
    anyoneWaits: ({ context }) => headOf(context.queue) !== undefined,
    isWaiting: ({ context, event }) => {
      assertEvent(event, "request.withdrawn")
      return isWaiting(context.queue, event.requestId)
    },

    // A hold.
    /** Asked again under its id while it waits: its answer comes when it comes. */
    holdWaitsAlready: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return isHoldWaiting(context.holdQueue, event.request.holdId)
    },
    /** Another call of the same agent is in line before it. */
    holdQueuesBehind: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      const { key, queue = false } = event.request
      return queue && hasHoldOf(context.holdQueue, key)
    },
    holdAdmitsWrappingUp: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "admitsWrappingUp"
    },
    holdQueues: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "queues"
    },
    /** A tentative ask that does not fit whole. */
    holdDeclines: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "declines"
    },
    nextHoldIsDecided: ({ context, event }) => nextHoldDecision(context, event) !== undefined,
    anyHoldWaits: ({ context }) => lengthOf(context.holdQueue) > 0,
    holdIsWaiting: ({ context, event }) => {
      assertEvent(event, "hold.withdrawn")
      return isHoldWaiting(context.holdQueue, event.holdId)
    },
    holdAdmits: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "admits"
    },
    holdAdmitsFlagged: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "admitsFlagged"
    },
    holdWaits: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "waits"
    },
    holdNever: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "never"
    },
    holdNeverForAgent: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "neverForAgent"
    },
    holdLosesPatience: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "losesPatience"
    },
    holdUnknown: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      return Decisions.holdDecision(context.budget, event).verdict === "unknown"
    },
    holdSettles: ({ context, event }) => {
      assertEvent(event, "hold.settled")
      return Decisions.settleDecision(context.budget, event).verdict === "resolves"
    },
    /** What a metered agent's call came to makes its account full. */
    settleStops: ({ context, event }) => {
      assertEvent(event, "hold.settled")
      return Decisions.settleDecision(context.budget, event).verdict === "resolvesAndStops"
    },
    correctionStops: ({ context, event }) => {
      assertEvent(event, "hold.settled_late")
      return Decisions.lateDecision(context.budget, event).verdict === "correctsAndStops"
    },
    holdVoids: ({ context, event }) => {
      assertEvent(event, "hold.voided")
      return Decisions.voidDecision(context.budget, event).verdict === "resolves"
    },

    holdIsCharged: ({ context, event }) => {
      assertEvent(event, "hold.charged")
      return Decisions.chargeDecision(context.budget, event).verdict === "resolves"
    },
    chargeStops: ({ context, event }) => {
      assertEvent(event, "hold.charged")
      return Decisions.chargeDecision(context.budget, event).verdict === "resolvesAndStops"
    },

    // Usage without a hold.
    usageRecords: ({ context, event }) => {
      assertEvent(event, "usage.reported")
      return Decisions.usageDecision(context.budget, event).verdict === "records"
    },
    agentOverLimit: ({ context, event }) => {
      assertEvent(event, "usage.reported")
      return Decisions.usageDecision(context.budget, event).verdict === "overAgentLimit"
    },
    spendsInGrace: ({ context, event }) => {
      assertEvent(event, "usage.reported")
      return Decisions.usageDecision(context.budget, event).verdict === "spendsInGrace"
    },

    // An agent's own account of its calls.
    accountAgrees: ({ context, event }) => {
      assertEvent(event, "account.compared")
      return Decisions.comparisonDecision(context.budget, event).verdict === "agrees"
    },
    findsUncounted: ({ context, event }) => {
      assertEvent(event, "account.compared")
      return Decisions.comparisonDecision(context.budget, event).verdict === "foundUncounted"
    },
    uncountedStops: ({ context, event }) => {
      assertEvent(event, "account.compared")
      return (
        Decisions.comparisonDecision(context.budget, event).verdict === "foundUncountedAndStops"
      )
    },

    // A life.
    workStarts: ({ context, event }) => {
      assertEvent(event, "work.started")
      return Decisions.startedDecision(context.budget, event).verdict === "starts"
    },
    leavesChildren: ({ context, event }) => {
      assertEvent(event, "work.exited")
      return Decisions.exitDecision(context.budget, event).verdict === "stops"
    },
    stops: ({ context, event }) => {
      assertEvent(event, "stop.requested")
      return Decisions.stopDecision(context.budget, event).verdict === "stops"
    },
    ends: ({ context, event }) => {
      assertEvent(event, "agent.over")
      return Decisions.endDecision(context.budget, event).verdict === "ends"
    },
    survivesKill: ({ context, event }) => {
      assertEvent(event, "agent.unkillable")
      return Decisions.unkillableDecision(context.budget, event).verdict === "stops"
    },

    // A deadline.
    deadlineReached: ({ context, event }) => {
      assertEvent(event, "deadline.reached")
      return (
        event.deadline.of === "duration" &&
        Decisions.deadlineDecision(context.budget, event).verdict === "stops"
      )
    },
    holdExpires: ({ context, event }) => {
      assertEvent(event, "deadline.reached")
      return (
        event.deadline.of === "hold" &&
        Decisions.deadlineDecision(context.budget, event).verdict === "resolves"
      )
    },
    expiryStops: ({ context, event }) => {
      assertEvent(event, "deadline.reached")
      return (
        event.deadline.of === "hold" &&
        Decisions.deadlineDecision(context.budget, event).verdict === "resolvesAndStops"
      )
    },
    graceElapsed: ({ event }) => event.type === "deadline.reached" && event.deadline.of === "grace",
    killElapsed: ({ event }) => event.type === "deadline.reached" && event.deadline.of === "kill",
    dayEnds: ({ event }) => event.type === "deadline.reached" && event.deadline.of === "day",
    summaryIsDue: ({ event }) =>
      event.type === "deadline.reached" && event.deadline.of === "summary",

    // A change of limits.
    limitStops: ({ context, event }) => {
      assertEvent(event, "budget.changed")
      return Decisions.budgetDecision(context.budget, event).verdict === "setsAndStops"
    },

    // Where the regions stand.
    dayExhausted: ({ context }) => isDayFull(context.budget),
    dayHasRoom: ({ context }) => !isDayFull(context.budget),
    isHard: ({ context }) => context.budget.settings.enforceHardLimits,
    isSoft: ({ context }) => !context.budget.settings.enforceHardLimits,
    isClosing: ({ context }) => context.life !== "open",
    isUnwritable: ({ context }) => isUnwritable(context),
    isWritable: ({ context }) => !isUnwritable(context),
    isFull: ({ context }) => isCrowded(context),
    hasSlot: ({ context }) => !isCrowded(context),
    isIdle: ({ context }) => context.budget.slotsTaken === 0,
  },
  actions: {
    admit: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const decision = Decisions.spawnDecision(context.budget, event)
      commit(enqueue, context, decision)
      answer(enqueue, event.request.requestId, true, decision)
    }),
    refuse: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const decision = Decisions.spawnDecision(context.budget, event)
      commit(enqueue, context, decision)
      answer(enqueue, event.request.requestId, false, decision)
    }),
    joinQueue: base.assign(({ context, event }) => {
      assertEvent(event, "agent.requested")
      return { queue: joinQueue(context.queue, event.request) }
    }),
    leaveQueue: base.assign(({ context, event }) => {
      assertEvent(event, "request.withdrawn")
      return { queue: withdraw(context.queue, event.requestId) }
    }),
    settleNext: base.enqueueActions(({ context, event, enqueue }) => {
      const head = headOf(context.queue)
      const decision = nextDecision(context, event)
      if (head === undefined || decision === undefined) return
      enqueue.assign({ queue: dequeue(context.queue) })
      commit(enqueue, context, decision)
      answer(enqueue, head.requestId, admitsSpawn(decision.verdict), decision)
    }),
    refuseClosing: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const refusal = closed("draining", true, SPAWN_ASKS)
      const decision = refuseSpawn(context.budget, event.request, event.at, refusal)
      commit(enqueue, context, decision)
      answer(enqueue, event.request.requestId, false, decision)
    }),
    refuseNextClosing: base.enqueueActions(({ context, event, enqueue }) => {
      const head = headOf(context.queue)
      if (head === undefined) return
      const refusal = closed("draining", true, SPAWN_ASKS)
      const at = instantOf(event, context)
      const decision = refuseSpawn(context.budget, head, at, refusal)
      enqueue.assign({ queue: dequeue(context.queue) })
      commit(enqueue, context, decision)
      answer(enqueue, head.requestId, false, decision)
    }),
    /** No row can say so, and none does: asking again once the ledger is back starts afresh. */
    refuseUnwritable: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const refusal = closed("ledger_unavailable", false, SPAWN_ASKS)
      const { requestId } = event.request
      enqueue({
        type: "reply",
        params: { id: requestId, granted: false, refusal, seq: context.budget.seq, grant: null },
      })
    }),

    grantHold: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.requested")
      const decision = Decisions.holdDecision(context.budget, event)
      commit(enqueue, context, decision)
      answerHold(enqueue, event.request, decision)
    }),
    joinHoldQueue: base.assign(({ context, event }) => {
      assertEvent(event, "hold.requested")
      return { holdQueue: joinQueue(context.holdQueue, event.request) }
    }),
    leaveHoldQueue: base.assign(({ context, event }) => {
      assertEvent(event, "hold.withdrawn")
      return { holdQueue: withdrawHold(context.holdQueue, event.holdId) }
    }),
    answerNextHold: base.enqueueActions(({ context, event, enqueue }) => {
      const next = nextHoldDecision(context, event)
      if (next === undefined) return
      enqueue.assign({ holdQueue: withdrawHold(context.holdQueue, next.request.holdId) })
      commit(enqueue, context, next.decision)
      answerHold(enqueue, next.request, next.decision)
    }),
    refuseNextHoldUnwritable: base.enqueueActions(({ context, enqueue }) => {
      const head = headOf(context.holdQueue)
      if (head === undefined) return
      enqueue.assign({ holdQueue: dequeue(context.holdQueue) })
      answerHold(enqueue, head, refuseUnwritable(context.budget, head))
    }),
    refuseHold: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.requested")
      const decision = Decisions.holdDecision(context.budget, event)
      commit(enqueue, context, decision)
      answerHold(enqueue, event.request, decision)
    }),
    refuseHoldUnwritable: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.requested")
      answerHold(enqueue, event.request, refuseUnwritable(context.budget, event.request))
    }),
    settleHold: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.settled")
      commit(enqueue, context, Decisions.settleDecision(context.budget, event))
    }),
    voidHold: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.voided")
      commit(enqueue, context, Decisions.voidDecision(context.budget, event))
    }),
    chargeHold: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.charged")
      commit(enqueue, context, Decisions.chargeDecision(context.budget, event))
    }),
    correctHold: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.settled_late")
      commit(enqueue, context, Decisions.lateDecision(context.budget, event))
    }),

    recordUsage: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "usage.reported")
      commit(enqueue, context, Decisions.usageDecision(context.budget, event))
    }),
    endGrace: base.sendTo("pool", ({ event }): PoolEvent => {
      assertEvent(event, "usage.reported")
      const { key } = event.report
      return { type: "agent.told", key, event: { type: "grace.spent", at: event.at } }
    }),
    compareAccount: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "account.compared")
      commit(enqueue, context, Decisions.comparisonDecision(context.budget, event))
    }),
    stopMetered: base.enqueueActions(({ context, event, enqueue }) =>
      commit(enqueue, context, decideExhaustion(context.budget, instantOf(event, context))),
    ),
    stopAll: base.enqueueActions(({ context, event, enqueue }) =>
      commit(
        enqueue,
        context,
        decideStopAll(context.budget, "shutdown", instantOf(event, context)),
      ),
    ),
    stopAgent: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "stop.requested")
      commit(enqueue, context, Decisions.stopDecision(context.budget, event))
    }),
    setBudget: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "budget.changed")
      commit(enqueue, context, Decisions.budgetDecision(context.budget, event))
    }),

    noteStarted: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "work.started")
      commit(enqueue, context, Decisions.startedDecision(context.budget, event))
    }),
    latchExit: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "work.exited")
      commit(enqueue, context, Decisions.exitDecision(context.budget, event))
    }),
    tellAgent: base.sendTo("pool", ({ event }): PoolEvent => toldOf(event)),
    bury: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.over")
      commit(enqueue, context, Decisions.endDecision(context.budget, event))
    }),
    armKill: base.sendTo("deadlines", ({ event }): DeadlinesEvent => {
      assertEvent(event, "agent.killing")
      const deadline = { of: "kill", key: event.key } as const
      return { type: "deadline.set", deadline, dueAt: event.at + KILL_MS, at: event.at }
    }),
    raiseAlarm: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.unkillable")
      commit(enqueue, context, Decisions.unkillableDecision(context.budget, event))
    }),

    meetDeadline: base.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "deadline.reached")
      commit(enqueue, context, Decisions.deadlineDecision(context.budget, event))
    }),
    armDay: base.sendTo("deadlines", ({ context }): DeadlinesEvent => {
      const { budget, startedAt } = context
      const dueAt = budget.window.endsAt
      return { type: "deadline.set", deadline: { of: "day" }, dueAt, at: startedAt }
    }),
    /** A new supervisor's agents are those that outlived the last one. */
    resumeLives: base.enqueueActions(({ context, enqueue }) => {
      const { pool, deadlines } = resumptionOf(context.budget, context.startedAt)
      for (const event of deadlines) enqueue.sendTo("deadlines", event)
      for (const event of pool) enqueue.sendTo("pool", event)
    }),
    publishSummary: base.enqueueActions(({ context, event, enqueue }) => {
      const at = instantOf(event, context)
      enqueue.assign({ summaryDue: false })
      enqueue.emit({ type: "summary", at, summary: summarise(context.budget) })
    }),

    beginDraining: base.assign({ life: "draining" }),
    finish: base.assign({ life: "stopped" }),
    noteUnwritable: base.assign({ ledgerWritable: false }),
    noteWritable: base.assign({ ledgerWritable: true }),
  },
})

/** In soft mode an unwritable ledger is only a warning: rows wait in a bounded buffer. */
const isUnwritable = (context: SupervisorContext): boolean =>
  !context.ledgerWritable && context.budget.settings.enforceHardLimits

const isCrowded = ({ budget }: SupervisorContext): boolean =>
  judgeSlot(budget.slotsTaken, budget.settings.maxConcurrentAgents) !== null

/** Hands an outer event down to the agent it is about. */
const toldOf = (event: SupervisorEvent): PoolEvent => {
  assertEvent(event, [
    "work.started",
    "work.exited",
    "spawn.failed",
    "tree.reaped",
    "deadline.reached",
  ])
  const { at } = event
  switch (event.type) {
    case "work.started":
      return told(event.key, { type: "work.started", at, process: event.process })
    case "work.exited":
      return told(event.key, { type: "work.exited", at, ...event.exit })
    case "spawn.failed":
      return told(event.key, {
        type: "spawn.failed",
        at,
        error: event.error,
        exitCode: event.exitCode,
      })
    case "tree.reaped":
      return told(event.key, { type: "tree.reaped", at, mechanism: event.mechanism })
    case "deadline.reached": {
      const { deadline } = event
      const type = deadline.of === "kill" ? "kill.elapsed" : "grace.elapsed"
      return told("key" in deadline ? deadline.key : NOBODY, { type, at })
    }
  }
}

const NOBODY = "" as AgentKey

const told = (key: AgentKey, event: AgentEvent): PoolEvent => ({ type: "agent.told", key, event })
