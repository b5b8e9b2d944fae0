/** What makes a call of OpenAI's completions API cost more than its body shows. */
import { anySet, type BoundRule, unknownParameter } from "../request/bound-rule.ts"
import { SEARCHING_MODEL } from "../request/openai-rules.ts"
import { readWhole } from "../request/values.ts"
import { isText, isTokens, promptsOf } from "./prompts.ts"

export const OPENAI_COMPLETIONS_RULES: readonly BoundRule[] = [
  {
    rule: "answers",
    treatment: "multiplies",
    trigger: "`n`, `best_of` (the larger)",
    why: "each answer is written and billed in full, those not shown too",
    answers: (call) =>
      Math.max(
        readWhole(call, call.fields, "n", 1) ?? 1,
        readWhole(call, call.fields, "best_of", 1) ?? 1,
      ),
  },
  {
    rule: "prompts",
    treatment: "multiplies",
    trigger: "`prompt` as a list of prompts",
    why: "each prompt is answered, up to the cap",
    answers: ({ fields }) => Math.max(1, promptsOf(fields.value("prompt")).length),
  },
  {
    rule: "echo",
    treatment: "unboundable",
    trigger: "`echo`",
    why: "servers differ in whether the prompt given back counts as answer",
    found: anySet("echo"),
  },
  SEARCHING_MODEL,
  {
    rule: "other-models",
    treatment: "unboundable",
    trigger: "`models`, `route`",
    why: "another model than the one named may answer, at its own price",
    found: anySet("models", "route"),
  },
  {
    rule: "unknown-content",
    treatment: "unboundable",
    trigger: "`prompt` that is neither text nor tokens",
    why: "a kind of content that is not known to be text may stand for more than its bytes",
    found: ({ fields }) =>
      promptsOf(fields.value("prompt")).every((prompt) => isText(prompt) || isTokens(prompt))
        ? null
        : "`prompt` holds something else",
  },
  unknownParameter(),
  {
    rule: "tokens",
    treatment: "bounded",
    trigger: "`prompt` as a list of tokens",
    why: "each token is written with a digit and a comma at least, so the bytes bound them",
    found: ({ fields }) =>
      promptsOf(fields.value("prompt")).some(isTokens) ? "`prompt` holds tokens" : null,
  },
]
