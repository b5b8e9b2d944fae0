/**
 * The supervisor: owns the budget, decides every request, and keeps its agents in a pool.
 *
 * Four regions drive what may happen. `life` opens and closes the door, `admission` says whether
 * there is room to start, `day` what becomes of the running when the day is full, `ledger`
 * whether anything may be granted at all. Each verdict is a transition of its own; after every
 * event the state value equals `project(context)`.
 */
import { supervisorSetup } from "./supervisor-actions.ts"
import { contextOf } from "./supervisor-setup.ts"

/** The verdicts exclude each other, so the frequent one is asked first. */
const reportedUsage = [
  { guard: "usageRecords", actions: "recordUsage" },
  { guard: "agentOverLimit", actions: "recordUsage" },
  { guard: "spendsInGrace", actions: ["recordUsage", "endGrace"] },
] as const

const requestedHold = [
  { guard: "holdWaitsAlready" },
  { guard: "holdQueuesBehind", actions: "joinHoldQueue" },
  { guard: "holdAdmits", actions: "grantHold" },
  { guard: "holdAdmitsWrappingUp", actions: "grantHold" },
  { guard: "holdAdmitsFlagged", actions: "grantHold" },
  { guard: "holdQueues", actions: "joinHoldQueue" },
  { guard: "holdDeclines", actions: "refuseHold" },
  { guard: "holdWaits", actions: "refuseHold" },
  { guard: "holdNever", actions: "refuseHold" },
  { guard: "holdNeverForAgent", actions: "refuseHold" },
  { guard: "holdLosesPatience", actions: "refuseHold" },
  { guard: "holdUnknown", actions: "refuseHold" },
] as const

const life = supervisorSetup.createStateConfig({
  initial: "open",
  states: {
    open: {
      on: {
        "drain.requested": { target: "draining", actions: "beginDraining" },
        "shutdown.requested": { target: "draining", actions: ["beginDraining", "stopAll"] },
      },
    },
    draining: {
      on: { "shutdown.requested": { actions: "stopAll" } },
      always: { guard: "isIdle", target: "stopped", actions: "finish" },
    },
    stopped: {},
  },
})

const admission = supervisorSetup.createStateConfig({
  initial: "open",
  states: {
    open: {
      always: [
        { guard: "isClosing", target: "closed" },
        { guard: "isUnwritable", target: "unwritable" },
        { guard: "nextIsRefused", actions: "settleNext" },
        { guard: "nextAdmits", actions: "settleNext" },
        { guard: "isFull", target: "full" },
      ],
      on: {
        "agent.requested": [
          { guard: "queuesBehind", actions: "joinQueue" },
          { guard: "admits", actions: "admit" },
          { guard: "admitsFlagged", actions: "admit" },
          { guard: "queues", actions: "joinQueue" },
          { guard: "waits", actions: "refuse" },
          { guard: "never", actions: "refuse" },
        ],
      },
    },
    /** No slot: only an account without one is still admitted. */
    full: {
      always: [
        { guard: "isClosing", target: "closed" },
        { guard: "isUnwritable", target: "unwritable" },
        { guard: "hasSlot", target: "open" },
        { guard: "nextIsRefused", actions: "settleNext" },
      ],
      on: {
        "agent.requested": [
          { guard: "admits", actions: "admit" },
          { guard: "admitsFlagged", actions: "admit" },
          { guard: "queues", actions: "joinQueue" },
          { guard: "waits", actions: "refuse" },
          { guard: "never", actions: "refuse" },
        ],
      },
    },
    unwritable: {
      always: [
        { guard: "isClosing", target: "closed" },
        { guard: "isWritable", target: "open" },
      ],
      on: {
        "agent.requested": [
          { guard: "onlyCounts", actions: "admit" },
          { actions: "refuseUnwritable" },
        ],
      },
    },
    closed: {
      always: { guard: "anyoneWaits", actions: "refuseNextClosing" },
      on: {
        "agent.requested": [
          { guard: "onlyCounts", actions: "admit" },
          { actions: "refuseClosing" },
        ],
      },
    },
  },
})

const day = supervisorSetup.createStateConfig({
  initial: "open",
  states: {
    open: {
      always: { guard: "dayExhausted", target: "exhausted" },
      on: { "usage.reported": reportedUsage },
    },
    exhausted: {
      initial: "flagged",
      always: { guard: "dayHasRoom", target: "open" },
      states: {
        flagged: {
          always: { guard: "isHard", target: "enforced" },
          on: { "usage.reported": reportedUsage },
        },
        /** Metered agents cannot be refused their next call, so they are stopped. */
        enforced: {
          always: [
            { guard: "isSoft", target: "flagged" },
            { guard: "meteredGoOn", actions: "stopMetered" },
          ],
          on: { "usage.reported": reportedUsage },
        },
      },
    },
  },
})

const ledger = supervisorSetup.createStateConfig({
  initial: "writable",
  states: {
    /** Only here anybody waits for what others hold: soft mode grants at once, and `refusing` refuses. */
    writable: {
      always: { guard: "nextHoldIsDecided", actions: "answerNextHold" },
      on: {
        "hold.requested": requestedHold,
        "ledger.failed": [
          { guard: "isHard", target: "refusing", actions: "noteUnwritable" },
          { target: "buffering", actions: "noteUnwritable" },
        ],
      },
    },
    /** Nothing is granted that no row can remember, and nobody goes on spending. */
    refusing: {
      entry: "stopAll",
      always: [
        { guard: "isSoft", target: "buffering" },
        { guard: "anyHoldWaits", actions: "refuseNextHoldUnwritable" },
      ],
      on: {
        "hold.requested": { actions: "refuseHoldUnwritable" },
        "ledger.recovered": { target: "writable", actions: "noteWritable" },
      },
    },
    buffering: {
      always: { guard: "isHard", target: "refusing" },
      on: {
        "hold.requested": requestedHold,
        "ledger.recovered": { target: "writable", actions: "noteWritable" },
      },
    },
  },
})

export const supervisorMachine = supervisorSetup.createMachine({
  id: "supervisor",
  context: ({ input }) => contextOf(input),
  entry: [
    supervisorSetup.spawnChild("deadlines", { id: "deadlines" }),
    supervisorSetup.spawnChild("pool", { id: "pool" }),
    "armDay",
    "resumeLives",
  ],
  type: "parallel",
  states: { life, admission, day, ledger },
  on: {
    "hold.settled": [
      { guard: "holdSettles", actions: "settleHold" },
      { guard: "settleStops", actions: "settleHold" },
    ],
    "hold.voided": { guard: "holdVoids", actions: "voidHold" },
    "hold.charged": [
      { guard: "holdIsCharged", actions: "chargeHold" },
      { guard: "chargeStops", actions: "chargeHold" },
    ],
    "hold.withdrawn": { guard: "holdIsWaiting", actions: "leaveHoldQueue" },
    "hold.settled_late": [
      { guard: "correctionStops", actions: "correctHold" },
      { actions: "correctHold" },
    ],
    "account.compared": [
      { guard: "accountAgrees", actions: "compareAccount" },
      { guard: "findsUncounted", actions: "compareAccount" },
      { guard: "uncountedStops", actions: "compareAccount" },
    ],
    "request.withdrawn": { guard: "isWaiting", actions: "leaveQueue" },
    "stop.requested": { guard: "stops", actions: "stopAgent" },
    "budget.changed": [{ guard: "limitStops", actions: "setBudget" }, { actions: "setBudget" }],
    "work.started": { guard: "workStarts", actions: ["noteStarted", "tellAgent"] },
    "work.exited": [
      { guard: "leavesChildren", actions: ["tellAgent", "latchExit"] },
      { actions: "tellAgent" },
    ],
    "spawn.failed": { actions: "tellAgent" },
    "tree.reaped": { actions: "tellAgent" },
    "agent.killing": { actions: "armKill" },
    "agent.unkillable": { guard: "survivesKill", actions: "raiseAlarm" },
    "agent.over": { guard: "ends", actions: "bury" },
    "deadline.reached": [
      { guard: "deadlineReached", actions: "meetDeadline" },
      { guard: "holdExpires", actions: "meetDeadline" },
      { guard: "expiryStops", actions: "meetDeadline" },
      { guard: "graceElapsed", actions: "tellAgent" },
      { guard: "killElapsed", actions: "tellAgent" },
      { guard: "dayEnds", actions: "meetDeadline" },
      { guard: "summaryIsDue", actions: "publishSummary" },
    ],
  },
})
