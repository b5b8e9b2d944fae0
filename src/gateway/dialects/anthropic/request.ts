/** Anthropic's Messages API: what a request asks for, and the same request with a smaller cap. */
import type { Dialect } from "../dialect.ts"
import { named, nestedFields } from "../request/fields.ts"
import { TOOL_TOKENS, VENDOR_TOOL_TOKENS } from "../request/input-bound.ts"
import { kindOf, listOf } from "../request/kinds.ts"
import { type RequestApi, readCall } from "../request/read-call.ts"
import {
  type Change,
  capIn,
  isList,
  NO_CHANGES,
  noteBehind,
  rewriting,
} from "../request/rewriting.ts"
import { elementAdded } from "../request/splice.ts"
import { type Reading, readFlag, readWhole } from "../request/values.ts"
import { ANTHROPIC_RULES, VENDOR_TOOL } from "./bounds.ts"

const KNOWN = named(
  ...["model", "messages", "max_tokens", "system", "stream", "tools", "tool_choice", "thinking"],
  ...["temperature", "top_p", "top_k", "stop_sequences", "metadata", "service_tier", "speed"],
  ...["cache_control", "context_management", "container", "mcp_servers", "output_config"],
  ...["output_format", "inference_geo", "diagnostics", "user_profile_id", "workspace_id"],
  ...["billing_policy", "fallback_credit_token", "fallbacks", "compaction", "thread", "betas"],
  ...["anthropic_version", "anthropic_beta"],
)

const THINKING = named("type", "budget_tokens", "display", "block_binding")

export const ANTHROPIC: RequestApi = {
  dialect: "anthropic-messages",
  known: KNOWN,
  rules: ANTHROPIC_RULES,
  own: (reading) => ({
    streams: readFlag(reading, reading.fields, "stream"),
    outputCap: capOf(reading),
    thinkingTokens: thinkingTokens(reading),
    hasOutput: true,
    addedTokens: listOf(reading.fields.value("tools"))
      .map((tool): number => (VENDOR_TOOL(kindOf(tool)) ? VENDOR_TOOL_TOKENS : TOOL_TOKENS))
      .reduce((sum, tokens) => sum + tokens, 0),
  }),
}

/** The only API that takes no request without a cap. */
const capOf = (reading: Reading): number | null => {
  const { fields, problems } = reading
  const cap = fields.value("max_tokens")
  if (cap === undefined || cap === null)
    problems.push("`max_tokens` is missing; expected a whole number, as the Messages API demands")
  return readWhole(reading, fields, "max_tokens")
}

const thinkingTokens = (reading: Reading): number => {
  const { text, fields, problems } = reading
  const thinking = nestedFields(text, fields, "thinking", THINKING, problems)
  const budget = readWhole(reading, thinking, "budget_tokens") ?? 0
  return thinking.value("type") === "enabled" ? budget : 0
}

const noteInSystem: Change = (text, members, { note }) => {
  if (note === null) return NO_CHANGES
  const system = members.get("system")
  if (!isList(text, system)) return noteBehind(text, members, "system", note) ?? NO_CHANGES
  const block = JSON.stringify({ type: "text", text: note })
  return { edits: [elementAdded(text, system, block)], additions: [] }
}

export const read: Dialect["read"] = readCall(ANTHROPIC)
export const rewrite: Dialect["rewrite"] = rewriting(capIn("max_tokens"), noteInSystem)
