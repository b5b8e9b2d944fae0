/** OpenAI's chat API, and the many servers that speak it. */
import type { Dialect } from "../dialect.ts"
import { named, nestedFields } from "../request/fields.ts"
import { TOOL_TOKENS } from "../request/input-bound.ts"
import { listOf } from "../request/kinds.ts"
import { type RequestApi, readCall } from "../request/read-call.ts"
import {
  type Change,
  capIn,
  isList,
  NO_CHANGES,
  rewriting,
  usageAsked,
} from "../request/rewriting.ts"
import { elementAdded } from "../request/splice.ts"
import { type Reading, readFlag, readWhole } from "../request/values.ts"
import { OPENAI_CHAT_RULES } from "./bounds.ts"

const KNOWN = named(
  ...["model", "messages", "max_tokens", "max_completion_tokens", "stream", "stream_options", "n"],
  ...["tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "stop"],
  ...["temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias", "logprobs"],
  ...["top_logprobs", "seed", "user", "metadata", "store", "service_tier", "response_format"],
  ...["reasoning_effort", "verbosity", "prompt_cache_key", "prompt_cache_retention"],
  ...["prompt_cache_options", "safety_identifier", "prediction", "audio", "modalities"],
  ...["web_search_options"],
  // Of servers that speak the API: how they sample, route and show reasoning.
  ...["best_of", "top_k", "top_a", "min_p", "repetition_penalty", "length_penalty", "min_tokens"],
  ...["stop_token_ids", "ignore_eos", "skip_special_tokens", "structured_outputs", "guided_json"],
  ...["chat_template_kwargs", "reasoning", "reasoning_format", "include_reasoning", "thinking"],
  ...["enable_thinking", "random_seed", "safe_prompt", "prompt_mode", "tool_stream"],
  ...["provider", "usage", "session_id", "transforms", "cache_control"],
  ...["models", "route", "plugins", "search_parameters"],
)

const STREAM_OPTIONS = named("include_usage", "include_obfuscation")

export const OPENAI_CHAT: RequestApi = {
  dialect: "openai-chat",
  known: KNOWN,
  rules: OPENAI_CHAT_RULES,
  own: (reading) => ({
    ...readStreaming(reading),
    outputCap: largest(
      readWhole(reading, reading.fields, "max_completion_tokens"),
      readWhole(reading, reading.fields, "max_tokens"),
    ),
    thinkingTokens: 0,
    hasOutput: true,
    addedTokens:
      TOOL_TOKENS *
      (listOf(reading.fields.value("tools")).length +
        listOf(reading.fields.value("functions")).length),
  }),
}

/** Of two caps a server heeds the one it knows, so only the larger is a bound. */
const largest = (first: number | null, second: number | null): number | null =>
  first === null ? second : Math.max(first, second ?? 0)

/** A stream of this API ends without usage unless it is asked for. */
export const readStreaming = (
  reading: Reading,
): { readonly streams: boolean; readonly saysUsage: boolean } => {
  const { text, fields, problems } = reading
  const options = nestedFields(text, fields, "stream_options", STREAM_OPTIONS, problems)
  const isAsked = readFlag(reading, options, "include_usage")
  const streams = readFlag(reading, fields, "stream")
  return { streams, saysUsage: isAsked || !streams }
}

const noteAtTheEnd: Change = (text, members, { note }) => {
  const messages = members.get("messages")
  if (note === null || !isList(text, messages)) return NO_CHANGES
  const message = JSON.stringify({ role: "system", content: note })
  return { edits: [elementAdded(text, messages, message)], additions: [] }
}

export const read: Dialect["read"] = readCall(OPENAI_CHAT)
export const rewrite: Dialect["rewrite"] = rewriting(
  capIn("max_completion_tokens", "max_tokens"),
  usageAsked,
  noteAtTheEnd,
)
