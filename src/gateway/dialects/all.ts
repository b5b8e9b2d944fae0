/** The request side of every dialect: reading, rewriting, refusing. */
import * as Anthropic from "./anthropic/request.ts"
import type { Dialect, DialectName } from "./dialect.ts"
import * as Gemini from "./gemini/request.ts"
import * as Chat from "./openai-chat/request.ts"
import * as Completions from "./openai-completions/request.ts"
import * as Embeddings from "./openai-embeddings/request.ts"
import * as Responses from "./openai-responses/request.ts"
import type { RequestApi } from "./request/read-call.ts"
import { anthropicRefusal, geminiRefusal, openaiRefusal } from "./vendor-refusals.ts"

export type RequestSide = Pick<Dialect, "read" | "rewrite" | "refusal">

export const REQUEST_SIDES: Readonly<Record<DialectName, RequestSide>> = {
  "anthropic-messages": {
    read: Anthropic.read,
    rewrite: Anthropic.rewrite,
    refusal: anthropicRefusal,
  },
  "openai-chat": { read: Chat.read, rewrite: Chat.rewrite, refusal: openaiRefusal },
  "openai-completions": {
    read: Completions.read,
    rewrite: Completions.rewrite,
    refusal: openaiRefusal,
  },
  "openai-responses": { read: Responses.read, rewrite: Responses.rewrite, refusal: openaiRefusal },
  "openai-embeddings": {
    read: Embeddings.read,
    rewrite: Embeddings.rewrite,
    refusal: openaiRefusal,
  },
  "gemini-generate": {
    read: Gemini.readGenerate,
    rewrite: Gemini.rewriteGenerate,
    refusal: geminiRefusal,
  },
  "gemini-embed": { read: Gemini.readEmbed, rewrite: Gemini.rewriteEmbed, refusal: geminiRefusal },
}

/** What each API was told of itself, with the rows of its bounds; the docs are written from it. */
export const REQUEST_APIS: readonly RequestApi[] = [
  Anthropic.ANTHROPIC,
  Chat.OPENAI_CHAT,
  Completions.OPENAI_COMPLETIONS,
  Responses.OPENAI_RESPONSES,
  Embeddings.OPENAI_EMBEDDINGS,
  Gemini.GEMINI_GENERATE,
  Gemini.GEMINI_EMBED,
]
