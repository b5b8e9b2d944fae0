/** What makes a call of Gemini's API cost more than its body shows. */
import {
  anySet,
  type BoundedCall,
  type BoundRule,
  isSet,
  told,
  unknownParameter,
} from "../request/bound-rule.ts"
import type { Fields } from "../request/fields.ts"
import { listOf } from "../request/kinds.ts"
import { readWhole } from "../request/values.ts"
import { configOf } from "./generation.ts"
import { foundKey, oneOfKeys, partsOf } from "./parts.ts"

const CLIENT_TOOL = oneOfKeys("functionDeclarations")
const TEXT = oneOfKeys(
  ...["text", "thought", "thoughtSignature", "functionCall", "functionResponse"],
  ...["executableCode", "codeExecutionResult", "partMetadata"],
)
const MEDIA = oneOfKeys("inlineData")
/** Beside media: how they are looked at. */
const OF_MEDIA = oneOfKeys("videoMetadata", "mediaResolution", "mediaProcessing")
const REFERENCE = oneOfKeys("fileData")
const MEDIA_MODEL = /image|tts|audio|live|deep-research|imagen|veo|lyria|robotics/i

const CANDIDATES: BoundRule = {
  rule: "answers",
  treatment: "multiplies",
  trigger: "`generationConfig.candidateCount`",
  why: "each candidate is written and billed in full",
  answers: (call) => readWhole(call, quietConfig(call), "candidateCount", 1) ?? 1,
}

export const GEMINI_GENERATE_RULES: readonly BoundRule[] = [
  CANDIDATES,
  {
    rule: "server-tool",
    treatment: "unboundable",
    trigger:
      "a tool other than `functionDeclarations` (`googleSearch`, `urlContext`, `codeExecution`, `fileSearch` …)",
    why: "the provider runs it and bills what it reads as input (8 prompt tokens became 427)",
    found: ({ fields }) =>
      foundKey(listOf(fields.value("tools")), "`tools`", (key) => !CLIENT_TOOL(key)),
  },
  {
    rule: "cached-content",
    treatment: "unboundable",
    trigger: "`cachedContent`",
    why: "what is cached is billed as input, and is not in the body",
    found: anySet("cachedContent"),
  },
  {
    rule: "unknown-content",
    treatment: "unboundable",
    trigger: "a part of a kind the gateway does not know",
    why: "a kind of content that is not known to be text may stand for more than its bytes",
    found: ({ fields }) =>
      foundKey(
        allParts(fields),
        "`contents`",
        (key) => !TEXT(key) && !MEDIA(key) && !OF_MEDIA(key) && !REFERENCE(key),
      ),
  },
  {
    rule: "file",
    treatment: "unboundable",
    trigger: "`fileData`",
    why: "what it refers to is not in the body, and an address may give something else each time",
    found: ({ fields }) => foundKey(allParts(fields), "`contents`", REFERENCE),
  },
  {
    rule: "sounds-and-images",
    treatment: "unboundable",
    trigger: "`responseModalities` with more than `TEXT`",
    why: "images and sound are billed by size or length and at prices of their own",
    found: (call) =>
      listOf(quietConfig(call).value("responseModalities")).every((kind) => kind === "TEXT")
        ? null
        : "`responseModalities` has more than `TEXT`",
  },
  {
    rule: "other-model-kinds",
    treatment: "unboundable",
    trigger: "a model for images, speech, sound or research (`*-image*`, `*-tts*`, `*-audio*` …)",
    why: "it answers in more than text, or reads and searches by itself",
    found: ({ model }) => (MEDIA_MODEL.test(model) ? `the model is ${told(model)}` : null),
  },
  {
    rule: "other-models",
    treatment: "unboundable",
    trigger: "`routingConfig`, `modelSelectionConfig`, `modelConfig`",
    why: "another model than the one named may answer, at its own price",
    found: (call) => {
      const config = quietConfig(call)
      const name = ["routingConfig", "modelSelectionConfig", "modelConfig"].find((each) =>
        isSet(config.value(each)),
      )
      return name === undefined ? null : `\`${name}\` is set`
    },
  },
  {
    ...unknownParameter("generationConfig"),
    treatment: "unboundable",
    found: (call) => {
      const unknown = [...call.fields.unknown, ...quietConfig(call).unknown][0]
      return unknown === undefined ? null : `${told(unknown)} is set`
    },
  },
  {
    rule: "media",
    treatment: "provider_count",
    trigger: "`inlineData`",
    why: "it is billed by its size in pixels, pages or seconds, not by its bytes",
    found: ({ fields }) => foundKey(allParts(fields), "`contents`", MEDIA),
  },
  {
    rule: "sealed-thinking",
    treatment: "bounded",
    trigger: "`thoughtSignature`",
    why: "a sealed text is as long as the text or longer, so its bytes bound it",
    found: ({ fields }) => foundKey(allParts(fields), "`contents`", oneOfKeys("thoughtSignature")),
  },
]

export const GEMINI_EMBED_RULES: readonly BoundRule[] = [
  {
    rule: "media",
    treatment: "unboundable",
    trigger: "a part that is not `text`",
    why: "it is billed by its size or length, or refers to what is not in the body",
    found: ({ fields }) => {
      const batch = foundKey(
        listOf(fields.value("requests")),
        "`requests`",
        (key) => !EMBEDDED(key),
      )
      return batch ?? foundKey(partsOf(embedded(fields)), "`content`", (key) => key !== "text")
    },
  },
  unknownParameter(),
]

const EMBEDDED = oneOfKeys(
  ...["model", "content", "taskType", "title", "outputDimensionality", "embedContentConfig"],
)

/** The contents of one request or of a batch. */
export const embedded = (fields: Fields): readonly unknown[] => [
  ...listOf(fields.value("content")),
  ...listOf(fields.value("requests")).flatMap((request) =>
    typeof request === "object" && request !== null && "content" in request
      ? listOf(request.content)
      : [],
  ),
]

const allParts = (fields: Fields): readonly unknown[] => [
  ...partsOf(fields.value("contents")),
  ...partsOf(fields.value("systemInstruction")),
]

/** The reader has told what is wrong with it. */
const quietConfig = (call: BoundedCall): Fields => configOf({ ...call, problems: [] })
