/** Whether anybody could start now: asked through the same code, leaving no trace. */
import { closed, SPAWN_ASKS } from "../../machines/budget/admission.ts"
import type { Refusal } from "../../machines/budget/row.ts"
import { decideSpawn, type SpawnRequest } from "../../machines/budget/spawning.ts"
import type { AgentKey, RequestId } from "../../machines/vocabulary.ts"
import type { Host } from "./host.ts"

/** Null when an ordinary agent would be admitted. */
export const refusalNow = (host: Host): Refusal | null => {
  const { budget, stateValue } = host
  if (stateValue.life !== "open") return closed("draining", true, SPAWN_ASKS)
  if (stateValue.admission === "unwritable") return closed("ledger_unavailable", false, SPAWN_ASKS)
  const { verdict, refusal } = decideSpawn(budget, ANYBODY, host.now())
  return verdict === "admits" || verdict === "admitsFlagged" ? null : refusal
}

/** An ordinary agent with a name nobody can have. */
const ANYBODY: SpawnRequest = {
  requestId: "" as RequestId,
  key: "" as AgentKey,
  agentId: "",
  taskId: "",
  enforcement: "unmetered",
  slot: true,
  ownTokenLimit: null,
  ownDurationMinutes: null,
  ownGraceSeconds: null,
  queue: false,
  waitForReset: false,
}
