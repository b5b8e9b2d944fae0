/** OpenAI's embeddings API: input, and no output to bound. */
import type { Dialect } from "../dialect.ts"
import { promptsOf } from "../openai-completions/prompts.ts"
import { named } from "../request/fields.ts"
import { EMBEDDED_TEXT_TOKENS } from "../request/input-bound.ts"
import { type RequestApi, readCall } from "../request/read-call.ts"
import { rewriting } from "../request/rewriting.ts"
import { OPENAI_EMBEDDINGS_RULES } from "./bounds.ts"

const KNOWN = named(
  ...["model", "input", "dimensions", "encoding_format", "user"],
  ...["input_type", "truncate", "truncation", "output_dtype", "output_dimension", "task"],
  ...["provider", "normalized", "embedding_type"],
)

export const OPENAI_EMBEDDINGS: RequestApi = {
  dialect: "openai-embeddings",
  known: KNOWN,
  rules: OPENAI_EMBEDDINGS_RULES,
  own: ({ fields }) => ({
    streams: false,
    outputCap: null,
    thinkingTokens: 0,
    hasOutput: false,
    addedTokens: EMBEDDED_TEXT_TOKENS * promptsOf(fields.value("input")).length,
  }),
}

export const read: Dialect["read"] = readCall(OPENAI_EMBEDDINGS)
export const rewrite: Dialect["rewrite"] = rewriting()
