/** The supervisor's guards, by name: each asks whether a decision came to one verdict. */
import { assertEvent } from "xstate"
import { judgeSlot } from "./budget/admission.ts"
import { holdOf } from "./budget/budget.ts"
import { decideExhaustion, isDayFull } from "./budget/stopping.ts"
import * as Decisions from "./decisions.ts"
import { admitsSpawn, instantOf, nextDecision, nextHoldDecision } from "./next-in-line.ts"
import { hasHoldOf, headOf, isHoldWaiting, isWaiting, lengthOf } from "./queue.ts"
import { base, type SupervisorContext } from "./supervisor-setup.ts"

export const guarded = base.extend({
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
    /** Another call of the same agent is in line before it; what was granted needs no line. */
    holdQueuesBehind: ({ context, event }) => {
      assertEvent(event, "hold.requested")
      const { holdId, key, queue = false } = event.request
      const isGranted = holdOf(context.budget, holdId) !== undefined
      return queue && !isGranted && hasHoldOf(context.holdQueue, key)
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
    /** Whoever became metered since, too. */
    meteredGoOn: ({ context, event }) =>
      decideExhaustion(context.budget, instantOf(event, context)).verdict === "stops",
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
})

/** In soft mode an unwritable ledger is only a warning: rows wait in a bounded buffer. */
const isUnwritable = (context: SupervisorContext): boolean =>
  !context.ledgerWritable && context.budget.settings.enforceHardLimits

const isCrowded = ({ budget }: SupervisorContext): boolean =>
  judgeSlot(budget.slotsTaken, budget.settings.maxConcurrentAgents) !== null
