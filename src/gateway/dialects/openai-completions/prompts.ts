/** Prompts and texts as completions and embeddings take them: one or many, in words or in tokens. */
import { listOf } from "../request/kinds.ts"

/** The prompts of a call: a list of numbers is one prompt in tokens. */
export const promptsOf = (prompt: unknown): readonly unknown[] =>
  isTokens(prompt) ? [prompt] : listOf(prompt)

export const isText = (prompt: unknown): prompt is string => typeof prompt === "string"

export const isTokens = (prompt: unknown): boolean =>
  Array.isArray(prompt) && prompt.length > 0 && prompt.every(Number.isSafeInteger)
