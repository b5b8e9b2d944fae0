/**
 * The supervisor's actions, by name: they carry a decision out. None chooses a verdict; `commit`
 * only folds in what a guard let through.
 */
import { assertEvent } from "xstate"
import type { AgentEvent } from "./agent.ts"
import type { PoolEvent } from "./agent-pool.ts"
import { closed, SPAWN_ASKS } from "./budget/admission.ts"
import { agentOf, type Budget, type Hold, holdOf } from "./budget/budget.ts"
import type { Decision } from "./budget/decision.ts"
import { type HoldRequest, refuseUnwritable } from "./budget/holds.ts"
import { refuseSpawn } from "./budget/spawning.ts"
import { decideExhaustion, decideStopAll } from "./budget/stopping.ts"
import { summarise } from "./budget/summary.ts"
import { consequencesOf } from "./consequences.ts"
import type { DeadlinesEvent } from "./deadlines.ts"
import * as Decisions from "./decisions.ts"
import type { SupervisorEvent } from "./events.ts"
import { admitsSpawn, instantOf, nextDecision, nextHoldDecision } from "./next-in-line.ts"
import { dequeue, headOf, enqueue as joinQueue, withdraw, withdrawHold } from "./queue.ts"
import { resumptionOf } from "./resumption.ts"
import { guarded } from "./supervisor-guards.ts"
import {
  type Answer,
  type HoldGrant,
  KILL_MS,
  SUMMARY_EVERY_MS,
  type SupervisorContext,
} from "./supervisor-setup.ts"
import type { AgentKey } from "./vocabulary.ts"

type Enqueue = Parameters<Parameters<typeof guarded.enqueueActions>[0]>[0]["enqueue"]

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

export const supervisorSetup = guarded.extend({
  actions: {
    admit: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const decision = Decisions.spawnDecision(context.budget, event)
      commit(enqueue, context, decision)
      answer(enqueue, event.request.requestId, true, decision)
    }),
    refuse: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const decision = Decisions.spawnDecision(context.budget, event)
      commit(enqueue, context, decision)
      answer(enqueue, event.request.requestId, false, decision)
    }),
    joinQueue: guarded.assign(({ context, event }) => {
      assertEvent(event, "agent.requested")
      return { queue: joinQueue(context.queue, event.request) }
    }),
    leaveQueue: guarded.assign(({ context, event }) => {
      assertEvent(event, "request.withdrawn")
      return { queue: withdraw(context.queue, event.requestId) }
    }),
    settleNext: guarded.enqueueActions(({ context, event, enqueue }) => {
      const head = headOf(context.queue)
      const decision = nextDecision(context, event)
      if (head === undefined || decision === undefined) return
      // A hold in line, answered in the same step, may just have taken what there was: it waits on.
      if (decision.verdict === "queues") return
      enqueue.assign({ queue: dequeue(context.queue) })
      commit(enqueue, context, decision)
      answer(enqueue, head.requestId, admitsSpawn(decision.verdict), decision)
    }),
    refuseClosing: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const refusal = closed("draining", true, SPAWN_ASKS)
      const decision = refuseSpawn(context.budget, event.request, event.at, refusal)
      commit(enqueue, context, decision)
      answer(enqueue, event.request.requestId, false, decision)
    }),
    refuseNextClosing: guarded.enqueueActions(({ context, event, enqueue }) => {
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
    refuseUnwritable: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.requested")
      const refusal = closed("ledger_unavailable", false, SPAWN_ASKS)
      const { requestId } = event.request
      enqueue({
        type: "reply",
        params: { id: requestId, granted: false, refusal, seq: context.budget.seq, grant: null },
      })
    }),

    grantHold: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.requested")
      const decision = Decisions.holdDecision(context.budget, event)
      commit(enqueue, context, decision)
      answerHold(enqueue, event.request, decision)
    }),
    joinHoldQueue: guarded.assign(({ context, event }) => {
      assertEvent(event, "hold.requested")
      return { holdQueue: joinQueue(context.holdQueue, event.request) }
    }),
    leaveHoldQueue: guarded.assign(({ context, event }) => {
      assertEvent(event, "hold.withdrawn")
      return { holdQueue: withdrawHold(context.holdQueue, event.holdId) }
    }),
    answerNextHold: guarded.enqueueActions(({ context, event, enqueue }) => {
      const next = nextHoldDecision(context, event)
      if (next === undefined) return
      enqueue.assign({ holdQueue: withdrawHold(context.holdQueue, next.request.holdId) })
      commit(enqueue, context, next.decision)
      answerHold(enqueue, next.request, next.decision)
    }),
    refuseNextHoldUnwritable: guarded.enqueueActions(({ context, enqueue }) => {
      const head = headOf(context.holdQueue)
      if (head === undefined) return
      enqueue.assign({ holdQueue: dequeue(context.holdQueue) })
      answerHold(enqueue, head, refuseUnwritable(context.budget, head))
    }),
    refuseHold: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.requested")
      const decision = Decisions.holdDecision(context.budget, event)
      commit(enqueue, context, decision)
      answerHold(enqueue, event.request, decision)
    }),
    refuseHoldUnwritable: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.requested")
      answerHold(enqueue, event.request, refuseUnwritable(context.budget, event.request))
    }),
    settleHold: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.settled")
      commit(enqueue, context, Decisions.settleDecision(context.budget, event))
    }),
    voidHold: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.voided")
      commit(enqueue, context, Decisions.voidDecision(context.budget, event))
    }),
    chargeHold: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.charged")
      commit(enqueue, context, Decisions.chargeDecision(context.budget, event))
    }),
    correctHold: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "hold.settled_late")
      commit(enqueue, context, Decisions.lateDecision(context.budget, event))
    }),

    recordUsage: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "usage.reported")
      commit(enqueue, context, Decisions.usageDecision(context.budget, event))
    }),
    endGrace: guarded.sendTo("pool", ({ event }): PoolEvent => {
      assertEvent(event, "usage.reported")
      const { key } = event.report
      return { type: "agent.told", key, event: { type: "grace.spent", at: event.at } }
    }),
    compareAccount: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "account.compared")
      commit(enqueue, context, Decisions.comparisonDecision(context.budget, event))
    }),
    stopMetered: guarded.enqueueActions(({ context, event, enqueue }) =>
      commit(enqueue, context, decideExhaustion(context.budget, instantOf(event, context))),
    ),
    stopAll: guarded.enqueueActions(({ context, event, enqueue }) => {
      const at = instantOf(event, context)
      commit(enqueue, context, decideStopAll(context.budget, "shutdown", at))
    }),
    stopAgent: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "stop.requested")
      commit(enqueue, context, Decisions.stopDecision(context.budget, event))
    }),
    setBudget: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "budget.changed")
      commit(enqueue, context, Decisions.budgetDecision(context.budget, event))
    }),

    noteStarted: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "work.started")
      commit(enqueue, context, Decisions.startedDecision(context.budget, event))
    }),
    latchExit: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "work.exited")
      commit(enqueue, context, Decisions.exitDecision(context.budget, event))
    }),
    tellAgent: guarded.sendTo("pool", ({ event }): PoolEvent => toldOf(event)),
    bury: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.over")
      commit(enqueue, context, Decisions.endDecision(context.budget, event))
    }),
    armKill: guarded.sendTo("deadlines", ({ event }): DeadlinesEvent => {
      assertEvent(event, "agent.killing")
      const deadline = { of: "kill", key: event.key } as const
      return { type: "deadline.set", deadline, dueAt: event.at + KILL_MS, at: event.at }
    }),
    raiseAlarm: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "agent.unkillable")
      commit(enqueue, context, Decisions.unkillableDecision(context.budget, event))
    }),

    meetDeadline: guarded.enqueueActions(({ context, event, enqueue }) => {
      assertEvent(event, "deadline.reached")
      commit(enqueue, context, Decisions.deadlineDecision(context.budget, event))
    }),
    armDay: guarded.sendTo("deadlines", ({ context }): DeadlinesEvent => {
      const { budget, startedAt } = context
      const dueAt = budget.window.endsAt
      return { type: "deadline.set", deadline: { of: "day" }, dueAt, at: startedAt }
    }),
    /** A new supervisor's agents are those that outlived the last one. */
    resumeLives: guarded.enqueueActions(({ context, enqueue }) => {
      const { pool, deadlines } = resumptionOf(context.budget, context.startedAt)
      for (const event of deadlines) enqueue.sendTo("deadlines", event)
      for (const event of pool) enqueue.sendTo("pool", event)
    }),
    publishSummary: guarded.enqueueActions(({ context, event, enqueue }) => {
      const at = instantOf(event, context)
      enqueue.assign({ summaryDue: false })
      enqueue.emit({ type: "summary", at, summary: summarise(context.budget) })
    }),

    beginDraining: guarded.assign({ life: "draining" }),
    finish: guarded.assign({ life: "stopped" }),
    noteUnwritable: guarded.assign({ ledgerWritable: false }),
    noteWritable: guarded.assign({ ledgerWritable: true }),
  },
})

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
    case "spawn.failed": {
      const { error, exitCode } = event
      return told(event.key, { type: "spawn.failed", at, error, exitCode })
    }
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
