/** The closed words of the vocabulary, told for people; a word without a meaning does not compile. */
import type {
  AgentState,
  BudgetStatus,
  Enforcement,
  Mechanism,
  Provenance,
  RefusalReason,
  StopReason,
} from "../../machines/vocabulary.ts"

type Meanings<Word extends string> = Readonly<Record<Word, string>>

export const REFUSAL_REASONS: Meanings<RefusalReason> = {
  concurrency_limit: "as many agents run as may; refused in both modes",
  agent_token_limit: "the agent's own token limit does not hold what is asked",
  daily_token_limit: "the day's token limit does not hold what is asked",
  cost_limit: "a limit of money does not hold what is asked",
  duration_limit: "the agent's time is up, or there is none to begin with; refused in both modes",
  draining: "nobody is admitted any more, or the agent is on its way out",
  ledger_unavailable: "no row can be written, so nothing is granted that none would remember",
  stale: "the id, the name or the agent belongs to something already over or already taken",
  unboundable: "nobody can say how much the call may spend",
}

export const STOP_REASONS: Meanings<StopReason> = {
  completed: "its work came to its end",
  failed: "its work failed",
  agent_token_limit: "it reached its own token limit",
  daily_token_limit: "the day's token limit was reached",
  cost_limit: "a limit of money was reached",
  duration_limit: "its time was up",
  stalled: "it gave no sign of life",
  cancelled: "somebody asked it to stop",
  shutdown: "the supervisor shut down, or its ledger could not be written",
  spawn_failed: "its work could not be started",
  lost: "it lived when the supervisor died, and was ended at the next start",
}

export const MECHANISMS: Meanings<Mechanism> = {
  exited: "it left by itself",
  interrupted: "a function returned after its signal was aborted",
  term: "it left on the signal that asks to stop",
  kill: "it was killed",
  vanished: "it was gone, and nobody saw how",
}

export const BUDGET_STATUSES: Meanings<BudgetStatus> = {
  within_budget: "below the first threshold, or no limit",
  approaching_limit: "the first threshold is reached (80 % by default)",
  at_limit: "the second threshold is reached (95 % by default)",
  exceeded: "the third threshold is reached (100 % by default), or the limit is 0",
}

export const ENFORCEMENTS: Meanings<Enforcement> = {
  reserved: "each call is held first: in hard mode the limit is never passed",
  metered: "usage is seen after each call: stopped at the report that reaches the limit",
  opaque: "usage is seen at the end only",
  unmetered: "no meter has spoken: only slots and duration are enforced",
}

export const AGENT_STATES: Meanings<AgentState> = {
  starting: "admitted; its work does not run yet",
  running: "its work runs",
  stopping: "asked to stop, winding down or being killed",
  unkillable: "its tree survived SIGKILL; it keeps its slot",
  ended: "its tree is gone and its slot free",
}

export const PROVENANCES: Meanings<Provenance> = {
  reported: "the provider or the program said so",
  estimated: "computed; counts as uncertain",
  unknown: "nobody said; counts as uncertain",
}
