/**
 * How the gateway says no: in the vendor's own shape, with the reason in `message`, and so that
 * agents stop asking. Each code has one status, found by trying the agents out.
 */
import type { ServerResponse } from "node:http"
import { explain, type RefusalReport } from "../host/errors.ts"
import type { Dialect, Json, RefusalWords } from "./dialects/dialect.ts"
import type { Failure } from "./forward.ts"

/** 402 ends every agent's retries; Codex alone goes on after it, and stops at a 400. */
const budgetStatus = (dialect: Dialect): number => (dialect.name === "openai-responses" ? 400 : 402)

const UNITS: Readonly<Record<string, string>> = {
  agent_token_limit: "in tokens",
  daily_token_limit: "in tokens",
  cost_limit: "in micro-dollars",
}

export interface AskedFor {
  readonly agentId: string
  readonly refusal: RefusalReport
  /** Why the call's cost could not be bounded; null: it could. */
  readonly unboundable: string | null
}

export const budgetWords = (dialect: Dialect, asked: AskedFor): RefusalWords => {
  const { agentId, refusal, unboundable } = asked
  const details: Json = { agentId, ...refusal }
  const status = budgetStatus(dialect)
  const who = `agent ${JSON.stringify(agentId)}`
  if (refusal.reason === "unboundable") {
    const why = unboundable ?? "its model has no known price"
    const remedy =
      unboundable === null
        ? "Give the model a price under `prices` in stint.yaml, or start the agent with --allow-unpriced"
        : "Leave that out of the request, or start the agent with --allow-unbounded"
    const message = `Stint refused this call of ${who}: what it can cost cannot be told beforehand (${why}), and hard limits are on. ${remedy} to let such calls through.`
    return { status, code: "unboundable", message, details: { ...details, why } }
  }
  if (refusal.reason === "ledger_unavailable") {
    const message = `Stint refused this call of ${who}: the ledger cannot be written, so nothing may be spent. See what \`stint doctor\` says.`
    return { status, code: "ledger_unavailable", message, details }
  }
  const unit = UNITS[refusal.reason]
  if (unit === undefined) {
    const message = `Stint refused this call of ${who}: ${explain(refusal)}.`
    return { status, code: refusal.reason, message, details }
  }
  const message = `Budget exhausted for ${who}: ${explain(refusal)} (${unit}).`
  return { status, code: "budget_exceeded", message, details }
}

const words = (
  status: number,
  code: string,
  message: string,
  details: Json = {},
): RefusalWords => ({
  status,
  code,
  message,
  details,
})

export const REFUSALS = {
  unknownKey: (): RefusalWords =>
    words(
      401,
      "unknown_key",
      "This key or path belongs to no agent that Stint runs now; each agent gets its own, valid while it lives. Use the base URL and key from the agent's environment.",
    ),
  notAllowed: (provider: string): RefusalWords =>
    words(403, "not_allowed", `This agent may not call ${JSON.stringify(provider)}.`, { provider }),
  strangeHost: (host: string): RefusalWords =>
    words(
      403,
      "strange_host",
      `The Host header says ${JSON.stringify(host)}; this gateway answers only as 127.0.0.1, [::1] or localhost, with its own port.`,
    ),
  strangeTarget: (why: string): RefusalWords =>
    words(400, "invalid_target", `This request's target is refused: ${why}.`),
  malformed: (why: string): RefusalWords =>
    words(400, "malformed", `Stint cannot read this request, so it cannot be metered: ${why}.`),
  tooLarge: (bytesMax: number): RefusalWords =>
    words(413, "too_large", `The request's body is longer than ${bytesMax} bytes.`, { bytesMax }),
  notMetered: (method: string, path: string): RefusalWords =>
    words(
      404,
      "not_metered",
      `Stint cannot meter ${method} ${path}, so it does not pass it on. If it costs nothing, list it among the upstream's free paths.`,
      { method, path },
    ),
  noUpstream: (provider: string): RefusalWords =>
    words(
      404,
      "no_upstream",
      `No upstream is configured for ${JSON.stringify(provider)}, whose API this path is.`,
      { provider },
    ),
  noUpgrade: (): RefusalWords =>
    words(426, "upgrade_declined", "WebSockets are not metered here; send the same as a POST."),
  unreachable: (provider: string, code: string): RefusalWords =>
    words(
      502,
      "upstream_unreachable",
      `${provider} could not be reached (${code}); nothing was sent and nothing was charged.`,
      { provider, cause: code },
    ),
  upstreamFailed: (provider: string, code: string, isCounted: boolean): RefusalWords =>
    words(
      502,
      "upstream_failed",
      `${provider} broke off before it answered (${code})${isCounted ? "; the call may have been billed and is counted as if it was" : ""}.`,
      { provider, cause: code },
    ),
  upstreamSilent: (provider: string, silentMs: number): RefusalWords =>
    words(504, "upstream_silent", `${provider} said nothing for ${silentMs / 1000} s.`, {
      provider,
      silentMs,
    }),
  closing: (): RefusalWords => words(503, "closing", "Stint is shutting down."),
  internal: (): RefusalWords =>
    words(500, "internal", "Stint failed at this request; its log says why."),
} as const

/** `isCounted`: it was a metered call, which is charged once it has left. */
export const failureWords = (
  provider: string,
  failure: Failure,
  isCounted: boolean,
): RefusalWords => {
  if (failure.kind === "unreachable") return REFUSALS.unreachable(provider, failure.code)
  if (failure.kind === "silent") return REFUSALS.upstreamSilent(provider, failure.afterMs)
  return REFUSALS.upstreamFailed(provider, failure.code, isCounted)
}

/** Stops a client's own retries, too; never a `retry-after`, which some sleep through for hours. */
const STOPS_RETRIES: ReadonlySet<number> = new Set([400, 401, 402, 403, 404, 413, 426])

/** Once anything was sent there is no place for words: the client is cut off. */
export const refuse = (res: ServerResponse, dialect: Dialect, said: RefusalWords): void => {
  if (res.headersSent || res.destroyed) {
    res.destroy()
    return
  }
  const body = Buffer.from(JSON.stringify(dialect.refusal(said)))
  const headers: Record<string, string> = {
    "content-type": "application/json",
    "content-length": String(body.length),
    "x-stint-refusal": said.code,
  }
  if (STOPS_RETRIES.has(said.status)) headers["x-should-retry"] = "false"
  if (said.status === 426) Object.assign(headers, { upgrade: "HTTP/1.1", connection: "upgrade" })
  res.writeHead(said.status, headers)
  res.end(body)
}
