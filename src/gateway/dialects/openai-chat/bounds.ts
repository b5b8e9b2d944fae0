/** What makes a call of OpenAI's chat API cost more than its body shows. */
import { isObject } from "../../../meters/fields.ts"
import {
  anySet,
  type BoundedCall,
  type BoundRule,
  isSet,
  unknownParameter,
} from "../request/bound-rule.ts"
import {
  foundKind,
  gathered,
  isMisspelled,
  isNot,
  isOneOf,
  listOf,
  objectsOf,
  UNTOLD,
} from "../request/kinds.ts"
import { OPENAI_MEDIA, PREDICTION, SEARCHING_MODEL } from "../request/openai-rules.ts"
import { readWhole } from "../request/values.ts"

const CLIENT_TOOL = isOneOf(["function", "custom"])
const TEXT = isOneOf(["text", "refusal", "thinking"])
const MEDIA = isOneOf(OPENAI_MEDIA)

export const OPENAI_CHAT_RULES: readonly BoundRule[] = [
  {
    rule: "answers",
    treatment: "multiplies",
    trigger: "`n`, `best_of` (the larger)",
    why: "each answer is written and billed in full",
    answers: (call) =>
      Math.max(
        readWhole(call, call.fields, "n", 1) ?? 1,
        readWhole(call, call.fields, "best_of", 1) ?? 1,
      ),
  },
  {
    rule: "hosted-tool",
    treatment: "unboundable",
    trigger: "a tool whose `type` is not `function` or `custom`",
    why: "the provider runs it and bills what it reads as input",
    found: ({ fields }) => foundKind(listOf(fields.value("tools")), "`tools`", isNot(CLIENT_TOOL)),
  },
  {
    rule: "web-search",
    treatment: "unboundable",
    trigger: "`web_search_options`, `search_parameters`, `plugins`",
    why: "the provider searches for the model and bills what it finds",
    found: anySet("web_search_options", "search_parameters", "plugins"),
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
    rule: "audio",
    treatment: "unboundable",
    trigger: "`audio`, `modalities` with more than `text`, `audio` of an earlier answer",
    why: "sound is billed by its length and at prices of its own; an earlier answer's is not in the body",
    found: (call) => {
      const { fields } = call
      if (listOf(fields.value("modalities")).some((kind) => kind !== "text"))
        return "`modalities` has more than `text`"
      const spoken = objectsOf(fields.value("messages")).some((message) => isSet(message.audio))
      return anySet("audio")(call) ?? (spoken ? "`audio` in `messages`" : null)
    },
  },
  {
    rule: "media",
    treatment: "unboundable",
    trigger: "`image_url`, `input_audio`, `file` and the like in `messages`",
    why: "it is billed by its size or length, or refers to what is not in the body",
    found: ({ fields }) => foundKind(partsOf(fields), "`messages`", MEDIA),
  },
  {
    rule: "unknown-content",
    treatment: "unboundable",
    trigger: "a content part of a kind the gateway does not know",
    why: "a kind of content that is not known to be text may stand for more than its bytes",
    found: ({ fields }) =>
      foundKind(partsOf(fields), "`messages`", (kind) => !TEXT(kind) && !MEDIA(kind)),
  },
  PREDICTION,
  unknownParameter(),
]

const partsOf = gathered(function* (fields: BoundedCall["fields"]): Iterable<unknown> {
  for (const message of listOf(fields.value("messages"))) {
    if (!isObject(message) || isMisspelled(message)) yield UNTOLD
    else {
      if (typeof message.content !== "string") yield* listOf(message.content)
      yield* listOf(message.images)
    }
  }
})
