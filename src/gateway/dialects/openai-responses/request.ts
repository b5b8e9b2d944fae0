/** OpenAI's Responses API: what a request asks for, and the same request with a smaller cap. */
import type { Dialect } from "../dialect.ts"
import { named, nestedFields } from "../request/fields.ts"
import { TOOL_TOKENS, VENDOR_TOOL_TOKENS } from "../request/input-bound.ts"
import { type RequestApi, readCall } from "../request/read-call.ts"
import { type Change, capIn, NO_CHANGES, noteBehind, rewriting } from "../request/rewriting.ts"
import { readFlag, readWhole } from "../request/values.ts"
import { OPENAI_RESPONSES_RULES } from "./bounds.ts"
import { flattened, isVendorTool, toolsOf } from "./items.ts"

const KNOWN = named(
  ...["model", "input", "instructions", "max_output_tokens", "stream", "stream_options", "store"],
  ...["tools", "tool_choice", "parallel_tool_calls", "max_tool_calls", "reasoning", "text"],
  ...["include", "temperature", "top_p", "top_logprobs", "truncation", "user", "metadata"],
  ...["service_tier", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"],
  ...["safety_identifier", "previous_response_id", "conversation", "prompt", "background"],
  ...["context_management", "client_metadata", "provider", "usage", "session_id"],
  ...["models", "route", "plugins"],
)

const REASONING = named("effort", "summary", "generate_summary", "mode", "context")
const STREAM_OPTIONS = named("include_obfuscation")

export const OPENAI_RESPONSES: RequestApi = {
  dialect: "openai-responses",
  known: KNOWN,
  rules: OPENAI_RESPONSES_RULES,
  own: (reading) => {
    const { text, fields, problems } = reading
    nestedFields(text, fields, "reasoning", REASONING, problems)
    nestedFields(text, fields, "stream_options", STREAM_OPTIONS, problems)
    readFlag(reading, fields, "background")
    return {
      streams: readFlag(reading, fields, "stream"),
      outputCap: readWhole(reading, fields, "max_output_tokens"),
      thinkingTokens: 0,
      hasOutput: true,
      addedTokens: flattened(toolsOf(fields))
        .map((tool): number => (isVendorTool(tool) ? VENDOR_TOOL_TOKENS : TOOL_TOKENS))
        .reduce((sum, tokens) => sum + tokens, 0),
    }
  },
}

const noteInInstructions: Change = (text, members, { note }) =>
  (note === null ? null : noteBehind(text, members, "instructions", note)) ?? NO_CHANGES

export const read: Dialect["read"] = readCall(OPENAI_RESPONSES)
export const rewrite: Dialect["rewrite"] = rewriting(capIn("max_output_tokens"), noteInInstructions)
