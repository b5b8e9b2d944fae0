/** OpenAI's older completions API: prompts in, continuations out. */
import type { Dialect } from "../dialect.ts"
import { readStreaming } from "../openai-chat/request.ts"
import { named } from "../request/fields.ts"
import { type RequestApi, readCall } from "../request/read-call.ts"
import { capIn, rewriting, usageAsked } from "../request/rewriting.ts"
import { readWhole } from "../request/values.ts"
import { OPENAI_COMPLETIONS_RULES } from "./bounds.ts"

const KNOWN = named(
  ...["model", "prompt", "max_tokens", "n", "best_of", "echo", "stream", "stream_options", "stop"],
  ...["suffix", "temperature", "top_p", "frequency_penalty", "presence_penalty", "logit_bias"],
  ...["logprobs", "seed", "user"],
  ...["top_k", "min_p", "repetition_penalty", "min_tokens", "stop_token_ids", "ignore_eos"],
  ...[
    "skip_special_tokens",
    "structured_outputs",
    "guided_json",
    "provider",
    "usage",
    "session_id",
  ],
  ...["models", "route"],
)

/** The API's own; servers that speak it have others, so it is always put in. */
const DEFAULT_CAP = 16

export const OPENAI_COMPLETIONS: RequestApi = {
  dialect: "openai-completions",
  known: KNOWN,
  rules: OPENAI_COMPLETIONS_RULES,
  own: (reading) => {
    const cap = readWhole(reading, reading.fields, "max_tokens")
    return {
      ...readStreaming(reading),
      outputCap: cap ?? DEFAULT_CAP,
      saysCap: cap !== null,
      thinkingTokens: 0,
      hasOutput: true,
      addedTokens: 0,
    }
  },
}

export const read: Dialect["read"] = readCall(OPENAI_COMPLETIONS)
export const rewrite: Dialect["rewrite"] = rewriting(capIn("max_tokens"), usageAsked)
