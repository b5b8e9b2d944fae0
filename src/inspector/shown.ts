/**
 * What an inspector may see of an actor: an allow-list, so that what is added later stays unseen.
 *
 * States, names, closed words and numbers pass. Texts that agents or their tools wrote (errors,
 * prompts, models, command lines) do not, and a context of ten thousand agents becomes a few lines.
 */
import type { AnyEventObject, Snapshot } from "xstate"
import type { AgentContext } from "../../machines/agent.ts"
import { statusOf, usedOf } from "../../machines/budget/account.ts"
import { isoOf } from "../../machines/budget/summary.ts"
import { DeadlineQueue } from "../../machines/deadline-queue.ts"
import { project } from "../../machines/project.ts"
import { lengthOf } from "../../machines/queue.ts"
import type { SupervisorContext } from "../../machines/supervisor-setup.ts"

type Plain = Readonly<Record<string, unknown>>

/** A snapshot as it leaves: plain, small, and never with an error in it. */
export interface ShownSnapshot extends Plain {
  readonly status: Snapshot<unknown>["status"]
  readonly output: Plain | undefined
  readonly error: undefined
  readonly context: Plain
}

export const showSnapshot = (snapshot: Snapshot<unknown> | undefined): ShownSnapshot => {
  const nothing = { output: undefined, error: undefined, context: {} }
  if (snapshot === undefined) return { status: "active", ...nothing }
  const { status, output } = snapshot
  return {
    ...nothing,
    ...("value" in snapshot ? machineParts(snapshot) : {}),
    status,
    context: showContext(snapshot),
    output: isPlain(output) ? allowed(output) : undefined,
  }
}

/** What a viewer needs to place a machine in its chart. */
const machineParts = (snapshot: Plain): Plain => ({
  value: snapshot.value,
  tags: [],
  historyValue: {},
  children: isPlain(snapshot.children)
    ? Object.fromEntries(Object.keys(snapshot.children).map((id) => [id, { id }]))
    : {},
})

/** An event with its type, its ids and its numbers, however deep its payload keeps them. */
export const showEvent = (event: AnyEventObject): AnyEventObject => ({
  ...allowed(event),
  type: clip(event.type),
})

/** The name people know an actor by: an agent's own, not the generated key of its admission. */
export const nameIn = (snapshot: Snapshot<unknown> | undefined): string | undefined => {
  const context = contextOf(snapshot)
  return isAgent(context) ? context.agentId : undefined
}

const showContext = (snapshot: Snapshot<unknown>): Plain => {
  const context = contextOf(snapshot)
  if (isSupervisor(context)) return showSupervisor(context)
  if (isAgent(context)) return showAgent(context)
  if ("agents" in snapshot && snapshot.agents instanceof Map) return { live: snapshot.agents.size }
  if ("queue" in snapshot && snapshot.queue instanceof DeadlineQueue) {
    const { pending, nextAt } = snapshot.queue.toJSON()
    return { pending, nextAt: instant(nextAt) }
  }
  return {}
}

const showSupervisor = (context: SupervisorContext): Plain => {
  const { budget, queue, life } = context
  return {
    dailyTokensUsed: usedOf(budget.day),
    dailyTokenLimit: budget.day.limit,
    budgetStatus: statusOf(budget.day),
    heldTokens: budget.day.held,
    activeAgents: budget.slotsTaken,
    maxConcurrentAgents: budget.settings.maxConcurrentAgents,
    waiting: lengthOf(queue),
    enforceHardLimits: budget.settings.enforceHardLimits,
    windowId: budget.window.id,
    life,
    ledger: project(context).ledger,
  }
}

const showAgent = ({ agentId, taskId, reason, status, deadlineAt }: AgentContext): Plain => ({
  agentId,
  taskId,
  reason,
  status,
  deadlineAt: instant(deadlineAt),
})

const instant = (at: number | null): string | null => (at === null ? null : isoOf(at))

const isPlain = (value: unknown): value is Plain => typeof value === "object" && value !== null

const contextOf = (snapshot: Snapshot<unknown> | undefined): unknown =>
  snapshot !== undefined && "context" in snapshot ? snapshot.context : undefined

const isSupervisor = (context: unknown): context is SupervisorContext =>
  isPlain(context) && "budget" in context && "queue" in context

const isAgent = (context: unknown): context is AgentContext =>
  isPlain(context) && "agentId" in context && "deadlineAt" in context

/** Payloads that are looked into; everything else that is no number or word is left out. */
const OPENED: ReadonlySet<string> = new Set([
  "request",
  "report",
  "settlement",
  "late",
  "usage",
  "exit",
  "deadline",
  "event",
  "input",
  "output",
])

const SHOWN: ReadonlySet<string> = new Set([
  "at",
  "dueAt",
  "deadlineAt",
  "endedAt",
  "actorId",
  "key",
  "agentId",
  "taskId",
  "requestId",
  "holdId",
  "usageId",
  "windowId",
  "of",
  "reason",
  "status",
  "outcome",
  "mechanism",
  "enforcement",
  "provenance",
  "exitCode",
  "treeGone",
  "tokens",
  "chargedTokens",
  "inputTokens",
  "outputTokens",
  "cacheWriteTokens",
  "cacheReadTokens",
  "ownTokenLimit",
  "repeated",
])

/** Ids are at most this long at the door; anything longer is no id. */
const TEXT_LENGTH_MAX = 256

const clip = (text: string): string =>
  text.length > TEXT_LENGTH_MAX ? `${text.slice(0, TEXT_LENGTH_MAX)}…` : text

const allowed = (payload: Plain): Plain => {
  const shown: Record<string, unknown> = {}
  collect(shown, payload)
  return shown
}

/** Flat: `report.usage.inputTokens` is shown as `inputTokens`, what an agent was told as `told`. */
const collect = (shown: Record<string, unknown>, payload: Plain): void => {
  for (const [name, value] of Object.entries(payload)) {
    if (OPENED.has(name) && isPlain(value)) {
      if (typeof value.type === "string") shown.told = clip(value.type)
      collect(shown, value)
    } else if (SHOWN.has(name) && !isPlain(value))
      shown[name] = typeof value === "string" ? clip(value) : value
  }
}
