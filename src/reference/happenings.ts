/** What can happen to the machines, told for people: every event with each of its fields. */
import type { AgentEvent } from "../../machines/agent.ts"
import type { CallBound } from "../../machines/budget/call-bound.ts"
import type { HoldRequest, Settlement } from "../../machines/budget/holds.ts"
import type {
  LateSettlement,
  OwnAccountReport,
  UsageReport,
} from "../../machines/budget/metering.ts"
import type { Refusal } from "../../machines/budget/row.ts"
import type { SpawnRequest } from "../../machines/budget/spawning.ts"
import type { SupervisorEvent } from "../../machines/events.ts"
import type { Usage } from "../../machines/vocabulary.ts"
import { CALLED, type Described, type Fields, KEY, TASK } from "./described.ts"

export const SUPERVISOR_EVENTS: Described<SupervisorEvent, "type", "at"> = {
  "agent.requested": {
    meaning: "somebody asks to start an agent",
    fields: { request: "a spawn request" },
  },
  "request.withdrawn": {
    meaning: "somebody in line no longer wants to start",
    fields: { requestId: "the request" },
  },
  "hold.requested": {
    meaning: "an agent asks for tokens before a call",
    fields: { request: "a hold request" },
  },
  "hold.settled": {
    meaning: "the call of a hold is over and its usage known",
    fields: { settlement: "a settlement" },
  },
  "hold.voided": {
    meaning: "the call of a hold provably never left",
    fields: { holdId: "the hold" },
  },
  "hold.settled_late": {
    meaning: "the usage of a hold that was charged without a report",
    fields: { late: "a late settlement" },
  },
  "usage.reported": {
    meaning: "a call that no hold announced",
    fields: { report: "a usage report" },
  },
  "hold.charged": {
    meaning: "nobody can say what the call of a hold came to: it is charged in full",
    fields: { holdId: "the hold" },
  },
  "hold.withdrawn": {
    meaning: "a call in line for a hold is no longer wanted",
    fields: { holdId: "the hold" },
  },
  "account.compared": {
    meaning: "an agent's own account of its calls was read",
    fields: { report: "an own account" },
  },
  "stop.requested": {
    meaning: "somebody asks an agent to stop",
    fields: { key: KEY, reason: "why; the first cause is kept" },
  },
  "budget.changed": {
    meaning: "limits change from now on",
    fields: {
      settings: "all settings of the budget",
      kept: "what later runs find, by setting; absent where that stays as it is",
    },
  },
  "work.started": {
    meaning: "the work of an agent runs",
    fields: { key: KEY, process: "its process, null for a function" },
  },
  "work.exited": {
    meaning: "the work of an agent is over; its tree may still live",
    fields: {
      key: KEY,
      exit: "outcome, mechanism, exit code, signal, error, whether the tree is gone",
    },
  },
  "spawn.failed": {
    meaning: "the work of an agent could not be started",
    fields: { key: KEY, error: "what went wrong", exitCode: "126 or 127 where there is one" },
  },
  "tree.reaped": {
    meaning: "no process of the agent's tree lives any more",
    fields: { key: KEY, mechanism: "what ended it" },
  },
  "deadline.reached": {
    meaning: "the deadlines: an instant that was set is reached",
    fields: {
      deadline: "of what: duration, grace, kill, hold, day, summary; and of whom",
      dueAt: "the instant that was set; later than `at` when the clock was set back meanwhile",
    },
  },
  "agent.killing": {
    meaning: "an agent: grace is over, the tree is killed",
    fields: { key: KEY },
  },
  "agent.unkillable": {
    meaning: "an agent: the tree survived SIGKILL",
    fields: { key: KEY },
  },
  "agent.over": {
    meaning: "the pool: an agent has reached its final state",
    fields: { output: "reason, mechanism, end, exit code, signal, error" },
  },
  "ledger.failed": { meaning: "rows can no longer be written", fields: {} },
  "ledger.recovered": { meaning: "rows can be written again", fields: {} },
  "drain.requested": { meaning: "admit nobody more, let the living end", fields: {} },
  "shutdown.requested": { meaning: "admit nobody more, stop the living", fields: {} },
}

export const AGENT_EVENTS: Described<AgentEvent, "type", "at"> = {
  "work.started": { meaning: "its work runs", fields: { process: "null for a function" } },
  "work.exited": {
    meaning: "its work is over",
    fields: {
      outcome: "completed or failed",
      mechanism: "what ended it",
      exitCode: "null where there is none",
      signal: "null where there is none",
      error: "what it failed with",
      treeGone: "false while something it started still lives",
    },
  },
  "spawn.failed": {
    meaning: "its work could not be started",
    fields: { error: "what went wrong", exitCode: "126 or 127 where there is one" },
  },
  "stop.requested": { meaning: "it has to leave", fields: { reason: "why" } },
  "grace.elapsed": { meaning: "it had the time that it was given to wind down", fields: {} },
  "grace.spent": { meaning: "it made a new call although a limit stopped it", fields: {} },
  "kill.elapsed": { meaning: "SIGKILL had the time to work, and did not", fields: {} },
  "tree.reaped": {
    meaning: "no process of its tree lives any more",
    fields: { mechanism: "what ended it" },
  },
  "limit.crossed": {
    meaning: "it passed a threshold of its own limit",
    fields: { status: "which" },
  },
}

/** Both kinds of hold request with all their fields. */
type AnyHold = Extract<HoldRequest, { tokens: number }> & Extract<HoldRequest, { call: CallBound }>

/** The values inside events and rows. */
interface Payloads {
  readonly "spawn request": Fields<SpawnRequest, never>
  readonly "hold request": Fields<AnyHold, never>
  readonly "call bound": Fields<CallBound, never>
  readonly "own account": Fields<OwnAccountReport, never>
  readonly settlement: Fields<Settlement, never>
  readonly "usage report": Fields<UsageReport, never>
  readonly "late settlement": Fields<LateSettlement, never>
  readonly usage: Fields<Usage, never>
  readonly refusal: Fields<Refusal, never>
}

export const PAYLOADS: Payloads = {
  "spawn request": {
    requestId: "asking twice under one id gets one answer",
    key: "the key that the admission will have",
    agentId: "its name, unique among live agents",
    taskId: TASK,
    enforcement: "how its usage will be seen",
    slot: "false for an account that only counts",
    ownTokenLimit: "may only lower the general one; null adds none",
    ownDurationMinutes: "may only lower the general one; null adds none",
    ownGraceSeconds: "instead of the general one; null for that",
    queue: "wait in line for a slot",
    waitForReset: "wait in line for the next day too",
    ownCostLimitMicroUsd: "may only lower the general one; null adds none",
    ownReserveForWrapUp: "in place of the general one; null for that",
    credential: "whose key pays its calls through the gateway: stint or own",
  },
  "hold request": {
    holdId: "names the hold",
    key: KEY,
    tokens: "how many, of a hold that is not of a call",
    costMicroUsd: "money beside them; null: no price is known",
    call: "of a call: a call bound",
    isBounded: "false: what it comes to cannot be told from its request",
    queue: "wait in line while only held amounts are in the way",
    isTentative: "grant all of it or nothing; to be declined is no refusal",
    isWatched: "it expires with its agent only: somebody watches its connection",
    claims: "the class its call is enforced in: reserved or metered",
  },
  "call bound": {
    inputTokens: "no more input than this can be billed",
    outputTokens: "least and most that one answer may have; as much as fits is granted",
    answers: "how many answers are asked for at once",
    price: "the dearest its tokens can be; null: no price is known",
  },
  "own account": {
    key: KEY,
    meter: "who read it",
    usage: CALLED,
    model: "null where unknown",
  },
  settlement: {
    holdId: "the hold",
    usage: CALLED,
    provenance: "where the counts come from",
    model: "null where unknown",
    costMicroUsd: "what it cost; null: of a model without a price",
  },
  "usage report": {
    key: KEY,
    usageId: "names the call; null: a call of its own",
    usage: CALLED,
    provenance: "where the counts come from",
    model: "null where unknown",
    completes: "true: of a call told of before, so no new spending in grace",
    costMicroUsd: "what the call cost; null: of a model without a price",
  },
  "late settlement": {
    holdId: "the hold",
    key: KEY,
    windowId: "the day it was charged in",
    chargedTokens: "what it was charged",
    usage: CALLED,
    chargedMicroUsd: "the money it was charged",
    costMicroUsd: "what it cost; null: nobody knows, and the charge stands",
  },
  usage: {
    inputTokens: "input that no cache held",
    outputTokens: "output, with reasoning inside",
    cacheWriteTokens: "input written to a cache",
    cacheReadTokens: "input read from a cache",
  },
  refusal: {
    reason: "see [reasons](reasons.md)",
    limit: "the limit in the way; null where it is not one of the numbers",
    used: "what is used of it",
    held: "what is held of it",
    asked: "what was asked",
    retryAt: "when asking again makes sense; null: when something ends",
    never: "true: it cannot fit however long one waits",
  },
}
