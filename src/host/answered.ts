/**
 * Requests that were answered before: the same id and content gets the same answer, for as long
 * as its row is kept; the same id with other content is a mistake of the caller.
 */
import { closed } from "../../machines/budget/admission.ts"
import { holdOf } from "../../machines/budget/budget.ts"
import type { Refusal, Row } from "../../machines/budget/row.ts"
import type { AgentKey, HoldId } from "../../machines/vocabulary.ts"
import { conflict } from "./errors.ts"
import type { Host } from "./host.ts"

export type AnsweredHold =
  | { readonly granted: true; readonly holdId: HoldId }
  | { readonly granted: false; readonly refusal: Refusal }

export type AnsweredSpawn =
  | { readonly granted: true; readonly key: AgentKey }
  | { readonly granted: false; readonly refusal: Refusal }

/** Null when this id was never answered. */
export const answeredHold = async (
  host: Host,
  id: string,
  key: AgentKey,
  tokens: number,
): Promise<AnsweredHold | null> => {
  // Whoever asks is told so under any id.
  if (host.isClosed) return null
  const holdId = id as HoldId
  const open = holdOf(host.budget, holdId)
  const again = open === undefined ? null : sameHold(id, open, key, tokens)
  const durable = await host.whenDurable()
  if (again !== null)
    return durable || !host.settings.enforceHardLimits
      ? again
      : { granted: false, refusal: closed("ledger_unavailable", false, tokens) }
  for (const row of await host.ledger.find(id)) {
    if (row.kind === "hold_placed") return sameHold(id, row, key, tokens)
    if (row.kind === "refused" && row.subject === "hold") return sameRefusal(id, row, key, tokens)
  }
  return null
}

const sameHold = (
  id: string,
  placed: { readonly key: AgentKey; readonly tokens: number; readonly askedTokens?: number },
  key: AgentKey,
  tokens: number,
): AnsweredHold => {
  const asked = placed.askedTokens ?? placed.tokens
  if (placed.key !== key || asked !== tokens) throw conflict(id, `a hold of ${asked} tokens`)
  return { granted: true, holdId: id as HoldId }
}

const sameRefusal = (
  id: string,
  row: Extract<Row, { kind: "refused" }>,
  key: AgentKey,
  tokens: number,
): AnsweredHold => {
  const asked = row.askedTokens ?? row.refusal.asked
  if (row.key !== key || asked !== tokens) throw conflict(id, `a hold of ${asked} tokens`)
  return { granted: false, refusal: row.refusal }
}

export const answeredSpawn = async (
  host: Host,
  requestId: string,
  agentId: string,
  taskId: string,
): Promise<AnsweredSpawn | null> => {
  if (host.isClosed) return null
  await host.whenDurable()
  for (const row of await host.ledger.find(requestId)) {
    const isSpawn = row.kind === "admitted" || (row.kind === "refused" && row.subject === "spawn")
    if (!isSpawn) continue
    if (row.agentId !== agentId || row.taskId !== taskId)
      throw conflict(requestId, `agent ${row.agentId} of task ${row.taskId}`)
    return row.kind === "admitted"
      ? { granted: true, key: row.key }
      : { granted: false, refusal: row.refusal }
  }
  return null
}
