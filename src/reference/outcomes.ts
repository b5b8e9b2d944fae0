/** What the machines make of it, told for people: every fact and row with each of its fields. */
import type { Row } from "../../machines/budget/row.ts"
import type { Fact } from "../../machines/facts.ts"
import { CALLED, type Described, KEY, TASK, WINDOW } from "./described.ts"

export const FACTS: Described<Fact, "type", "at"> = {
  "status.changed": {
    meaning: "the day passed a threshold, once per crossing",
    fields: {
      status: "the status now",
      previous: "the status before",
      dailyTokensUsed: "tokens used in the window",
      dailyTokenLimit: "null is unlimited",
      windowId: "the day",
    },
  },
  "agent.admitted": {
    meaning: "an agent may start",
    fields: {
      key: KEY,
      agentId: "its name",
      taskId: TASK,
      wouldRefuse: "soft mode: the refusal that hard mode would have given",
    },
  },
  "agent.refused": {
    meaning: "a spawn or a hold was refused",
    fields: {
      subject: "spawn or hold",
      requestId: "the request or the hold",
      agentId: "its name",
      taskId: TASK,
      refusal: "a refusal",
    },
  },
  "agent.warned": {
    meaning: "an agent passed a threshold of its own limit, once per crossing",
    fields: {
      key: KEY,
      agentId: "its name",
      status: "which threshold",
      totalTokens: "what it has used",
      tokenLimit: "null is unlimited",
    },
  },
  "cost.status_changed": {
    meaning: "the day's money passed a threshold, once per crossing",
    fields: {
      status: "the status now",
      previous: "the status before",
      dailyCostMicroUsd: "spent in the window",
      dailyCostLimitMicroUsd: "null is unlimited",
      windowId: "the day",
    },
  },
  "agent.cost_warned": {
    meaning: "an agent passed a threshold of its own cost limit, once per crossing",
    fields: {
      key: KEY,
      agentId: "its name",
      status: "which threshold",
      costMicroUsd: "what it has spent",
      costLimitMicroUsd: "null is unlimited",
    },
  },
  "agent.wrapping_up": {
    meaning: "only what was set aside for winding down is left to an agent; told once",
    fields: { key: KEY, agentId: "its name", remainingTokens: "what it may still hold" },
  },
  "agent.compared": {
    meaning: "an agent's own account of its calls was held against what was counted of them",
    fields: {
      key: KEY,
      agentId: "its name",
      meter: "who read its own account",
      ownTokens: "raw tokens by its own account",
      countedTokens: "raw tokens counted here until then",
    },
  },
  "agent.stopping": {
    meaning: "an agent has been asked to stop",
    fields: { agent: "its entry in the summary" },
  },
  "agent.unkillable": {
    meaning: "an agent's tree survived SIGKILL: it keeps its slot and somebody must look",
    fields: { agent: "its entry in the summary" },
  },
  "agent.ended": {
    meaning: "an agent is over and its slot free",
    fields: { key: KEY, agent: "its last entry in the summary" },
  },
  summary: {
    meaning: "the whole summary, at most once a second and only after changes",
    fields: { summary: "as `supervisor.summary()`" },
  },
}

export const ROWS: Described<Row, "kind", "seq" | "at"> = {
  window_opened: { meaning: "a day began", fields: { window: "its bounds and zone" } },
  budget_set: { meaning: "limits changed", fields: { settings: "all of them" } },
  defaults_kept: {
    meaning: "what later runs find changed (`stint budget set`)",
    fields: { values: "all that is kept, by setting" },
  },
  admitted: {
    meaning: "an agent may start",
    fields: {
      key: KEY,
      agentId: "its name",
      taskId: TASK,
      requestId: "the request that it answers",
      windowId: WINDOW,
      tokenLimit: "the narrower of the general and its own",
      ownLimit: "the limit it was given for itself",
      deadlineAt: "when its time is up",
      graceMs: "time between the request to stop and SIGKILL",
      enforcement: "how its usage is seen",
      slot: "false for an account that only counts",
      wouldRefuse: "soft mode: the refusal that hard mode would have given",
      costLimitMicroUsd: "the narrower of the general and its own; absent: unlimited",
      ownCostLimitMicroUsd: "the cost limit it was given for itself",
      credential: "whose key pays its calls through the gateway: stint or own",
      reserveForWrapUp: "what is set aside for winding down, in place of the general amount",
    },
  },
  refused: {
    meaning: "a spawn or a hold was refused",
    fields: {
      subject: "spawn or hold",
      requestId: "the request or the hold",
      key: "null for a spawn",
      agentId: "its name",
      taskId: TASK,
      windowId: WINDOW,
      refusal: "a refusal",
      askedTokens: "the tokens asked for, where the refusal counts something else",
    },
  },
  started: { meaning: "its work runs", fields: { key: KEY, process: "null for a function" } },
  hold_placed: {
    meaning: "tokens are set aside for a call",
    fields: {
      holdId: "the hold",
      key: KEY,
      windowId: WINDOW,
      tokens: "how many",
      expiresAt: "when it is charged if nobody settles it; null: with its agent's end",
      wouldRefuse: "soft mode: the refusal that hard mode would have given",
      costMicroUsd: "money set aside with them",
      askedTokens: "what was asked for, where less was granted",
      outputTokens: "what each answer of the call may have",
      wrapUp: "it uses what was set aside for winding down",
      claims: "metered: the class its call is enforced in; absent: reserved",
    },
  },
  hold_settled: {
    meaning: "the call of a hold is counted",
    fields: {
      holdId: "the hold",
      key: KEY,
      windowId: WINDOW,
      heldTokens: "what the hold was",
      usage: CALLED,
      tokens: "their weighed sum",
      provenance: "where the counts come from",
      model: "null where unknown",
      heldCostMicroUsd: "the money the hold was",
      costMicroUsd: "what the call cost; absent: of a model without a price",
    },
  },
  hold_voided: {
    meaning: "the call of a hold never left: nothing is charged",
    fields: {
      holdId: "the hold",
      key: KEY,
      windowId: WINDOW,
      heldTokens: "what the hold was",
      heldCostMicroUsd: "the money it was",
    },
  },
  hold_expired: {
    meaning: "nobody settled a hold: it is charged in full, as uncertain",
    fields: {
      holdId: "the hold",
      key: KEY,
      windowId: WINDOW,
      heldTokens: "what is charged",
      heldCostMicroUsd: "the money that is charged",
    },
  },
  usage_recorded: {
    meaning: "a call that no hold announced is counted",
    fields: {
      key: KEY,
      usageId: "null: a call of its own",
      windowId: WINDOW,
      usage: CALLED,
      tokens: "their weighed sum",
      provenance: "where the counts come from",
      model: "null where unknown",
      costMicroUsd: "what the call cost; absent: of a model without a price",
    },
  },
  corrected: {
    meaning: "a better number for a call already counted",
    fields: {
      key: KEY,
      ref: "the usage id or the hold",
      windowId: "the day of the call's first row",
      usage: "the call's counts as known now",
      tokensBefore: "what was counted until now",
      tokens: "what is counted from now on",
      uncertainBefore: "the part of it that stood as uncertain",
      usageBefore: "the counts until now",
      cost: "its cost before and now, and the uncertain part of the former",
    },
  },
  own_account_read: {
    meaning: "an agent's own account of its calls, beside what was counted here",
    fields: { key: KEY, meter: "who read it", usage: "its own counts" },
  },
  stop_requested: { meaning: "an agent has to leave", fields: { key: KEY, reason: "why" } },
  unkillable: { meaning: "an agent's tree survived SIGKILL", fields: { key: KEY } },
  ended: {
    meaning: "an agent is over and its slot free",
    fields: {
      key: KEY,
      reason: "why: the first cause",
      mechanism: "what ended it",
      exitCode: "null where there is none",
      signal: "null where there is none",
      error: "what it failed with",
    },
  },
  clock_stepped: {
    meaning: "somebody accepted a clock that reads more than a day before the open window",
    fields: {
      from: "the instant it stepped from",
      window: "the day now open",
      confirmedTokens: "what that day had already used",
      uncertainTokens: "the uncertain part of it",
      confirmedMicroUsd: "money that day had already spent",
      uncertainMicroUsd: "the uncertain part of it",
    },
  },
}
