/** What makes a call of OpenAI's embeddings API cost more than its body shows. */
import { isText, isTokens, promptsOf } from "../openai-completions/prompts.ts"
import { type BoundRule, unknownParameter } from "../request/bound-rule.ts"

export const OPENAI_EMBEDDINGS_RULES: readonly BoundRule[] = [
  {
    rule: "media",
    treatment: "unboundable",
    trigger: "`input` that is neither text nor tokens (images, addresses, parts)",
    why: "it is billed by its size, or refers to what is not in the body",
    found: ({ fields }) =>
      promptsOf(fields.value("input")).every((input) => isText(input) || isTokens(input))
        ? null
        : "`input` holds something else",
  },
  unknownParameter(),
  {
    rule: "tokens",
    treatment: "bounded",
    trigger: "`input` as a list of tokens, or of many texts",
    why: "each token is written with a digit and a comma at least, each text with its bytes",
    found: ({ fields }) => (Array.isArray(fields.value("input")) ? "`input` is a list" : null),
  },
]
