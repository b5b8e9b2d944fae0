/** A budget as plain JSON and back, so that a start need not fold the whole ledger. */
import * as HashMap from "effect/HashMap"
import type { UsageId } from "../vocabulary.ts"
import { type Budget, type KnownCall, type KnownCalls, type LiveAgent, NO_CALLS } from "./budget.ts"
import { type KeptValues, settingsAsWritten } from "./settings.ts"

/** Raised when the shape of the state changes; an older one is folded from its rows instead. */
export const CHECKPOINT_VERSION = 5

/** Which calls an agent already reported is kept only of those who outlive the one who saved it. */
interface SavedAgent extends Omit<LiveAgent, "calls"> {
  readonly calls: SavedCalls | null
}

interface SavedCalls {
  readonly newer: readonly (readonly [UsageId, KnownCall])[]
  readonly older: readonly (readonly [UsageId, KnownCall])[]
}

interface Saved extends Omit<Budget, "agents" | "names" | "holds" | "ended" | "refused"> {
  readonly version: typeof CHECKPOINT_VERSION
  readonly agents: readonly SavedAgent[]
  readonly holds: readonly Parameters<typeof saveHold>[0][]
  readonly ended: SavedTail<Budget["ended"]>
  readonly refused: SavedTail<Budget["refused"]>
}

type SavedTail<T> = T extends { readonly items: HashMap.HashMap<number, infer A> }
  ? {
      readonly from: number
      readonly to: number
      readonly items: readonly (readonly [number, A])[]
    }
  : never

const saveHold = (hold: Budget["holds"] extends HashMap.HashMap<unknown, infer H> ? H : never) =>
  hold

const saveAgent = (agent: LiveAgent): SavedAgent => ({
  ...agent,
  calls: agent.slot ? null : saveCalls(agent.calls),
})

const saveCalls = ({ newer, older }: KnownCalls): SavedCalls => ({
  newer: HashMap.toEntries(newer),
  older: HashMap.toEntries(older),
})

const readCalls = (calls: SavedCalls | null): KnownCalls =>
  calls === null
    ? NO_CALLS
    : { newer: HashMap.fromIterable(calls.newer), older: HashMap.fromIterable(calls.older) }

export const encodeCheckpoint = (budget: Budget): unknown => {
  const saved: Saved = {
    ...budget,
    version: CHECKPOINT_VERSION,
    agents: [...HashMap.values(budget.agents)].map(saveAgent),
    holds: [...HashMap.values(budget.holds)].map(saveHold),
    ended: { ...budget.ended, items: HashMap.toEntries(budget.ended.items) },
    refused: { ...budget.refused, items: HashMap.toEntries(budget.refused.items) },
  }
  const { names: _, ...plain } = saved as Saved & Partial<Pick<Budget, "names">>
  return plain
}

/** Null when it was saved by another version: the caller folds the rows instead. */
export const decodeCheckpoint = (state: unknown): Budget | null => {
  if (!isSaved(state)) return null
  const agents = state.agents.map(
    (agent): LiveAgent => ({ ...agent, calls: readCalls(agent.calls) }),
  )
  const { version: _, ...rest } = state
  return {
    ...rest,
    settings: settingsAsWritten(state.settings),
    agents: HashMap.fromIterable(agents.map((agent) => [agent.key, agent] as const)),
    names: HashMap.fromIterable(agents.map((agent) => [agent.agentId, agent.key] as const)),
    holds: HashMap.fromIterable(state.holds.map((hold) => [hold.id, hold] as const)),
    ended: { ...state.ended, items: HashMap.fromIterable(state.ended.items) },
    refused: { ...state.refused, items: HashMap.fromIterable(state.refused.items) },
  }
}

/**
 * What a checkpoint of any version kept for later runs: its rows may have been dropped since, and
 * nothing else remembers it.
 */
export const keptInCheckpoint = (state: unknown): KeptValues => {
  const kept = typeof state === "object" && state !== null && "kept" in state ? state.kept : null
  return typeof kept === "object" && kept !== null ? (kept as KeptValues) : {}
}

const isSaved = (state: unknown): state is Saved =>
  typeof state === "object" &&
  state !== null &&
  "version" in state &&
  state.version === CHECKPOINT_VERSION
