/** Gemini's API: what a request asks for, and the same request with a smaller cap. */
import type { CallPath, Dialect } from "../dialect.ts"
import { type Fields, namedEitherWay } from "../request/fields.ts"
import { EMBEDDED_TEXT_TOKENS, TOOL_TOKENS } from "../request/input-bound.ts"
import { spansOf } from "../request/json-spans.ts"
import { listOf, objectsOf } from "../request/kinds.ts"
import { type RequestApi, readCall } from "../request/read-call.ts"
import {
  type Change,
  capped,
  isList,
  isNull,
  memberSet,
  NO_CHANGES,
  rewriting,
} from "../request/rewriting.ts"
import { elementAdded } from "../request/splice.ts"
import { type Reading, readWhole } from "../request/values.ts"
import { embedded, GEMINI_EMBED_RULES, GEMINI_GENERATE_RULES } from "./bounds.ts"
import { configOf, GENERATE_KNOWN, thinkingOf } from "./generation.ts"
import { under } from "./parts.ts"

export const GEMINI_GENERATE: RequestApi = {
  dialect: "gemini-generate",
  known: GENERATE_KNOWN,
  rules: GEMINI_GENERATE_RULES,
  own: (reading, path) => {
    checkModel(reading, path, [reading.fields.value("model")])
    const config = configOf(reading)
    return {
      streams: path.streams,
      outputCap: readWhole(reading, config, "maxOutputTokens"),
      thinkingTokens: thinkingTokens(reading, config),
      hasOutput: true,
      addedTokens:
        TOOL_TOKENS *
        objectsOf(reading.fields.value("tools")).flatMap((tool) =>
          listOf(under(tool, "functionDeclarations")),
        ).length,
    }
  },
}

/** -1 lets the model decide: nothing is asked for. */
const thinkingTokens = (reading: Reading, config: Fields): number => {
  const thinking = thinkingOf(reading, config)
  const span = thinking.span("thinkingBudget")
  if (span !== null && reading.text.slice(span.start, span.end) === "-1") return 0
  return readWhole(reading, thinking, "thinkingBudget") ?? 0
}

/** The path names the model; a body that names another would be billed as nobody knows which. */
const checkModel = (reading: Reading, path: CallPath, names: readonly unknown[]): void => {
  for (const name of names) {
    if (name === undefined || name === null || path.model === null) continue
    if (typeof name === "string" && bare(name) === bare(path.model)) continue
    reading.problems.push("`model` is not the path's; expected the same, or none in the body")
  }
}

const bare = (model: string): string => model.slice(model.lastIndexOf("/") + 1)

export const GEMINI_EMBED: RequestApi = {
  dialect: "gemini-embed",
  known: namedEitherWay(
    ...["model", "content", "requests", "taskType", "title", "outputDimensionality"],
    "embedContentConfig",
  ),
  rules: GEMINI_EMBED_RULES,
  own: (reading, path) => {
    const { fields } = reading
    const requests = objectsOf(fields.value("requests"))
    checkModel(reading, path, [fields.value("model"), ...requests.map((each) => each.model)])
    return {
      streams: false,
      outputCap: null,
      thinkingTokens: 0,
      hasOutput: false,
      addedTokens: EMBEDDED_TEXT_TOKENS * embedded(fields).length,
    }
  },
}

const capInConfig: Change = (text, members, { outputCap }) =>
  outputCap === null
    ? NO_CHANGES
    : memberSet(text, members, ["generationConfig", "generation_config"], (_, config) =>
        capped(text, config, ["maxOutputTokens", "max_output_tokens"], outputCap),
      )

const noteInInstruction: Change = (text, members, { note }) => {
  if (note === null) return NO_CHANGES
  const part = JSON.stringify({ text: note })
  const span = members.get("systemInstruction") ?? members.get("system_instruction")
  if (span === undefined || isNull(text, span))
    return memberSet(text, members, ["systemInstruction", "system_instruction"], () => ({
      edits: [],
      additions: [["parts", `[${part}]`]],
    }))
  const held = text[span.start] === "{" ? spansOf(text, span.start).members.get("parts") : undefined
  return isList(text, held)
    ? { edits: [elementAdded(text, held, part)], additions: [] }
    : NO_CHANGES
}

export const readGenerate: Dialect["read"] = readCall(GEMINI_GENERATE)
export const rewriteGenerate: Dialect["rewrite"] = rewriting(capInConfig, noteInInstruction)
export const readEmbed: Dialect["read"] = readCall(GEMINI_EMBED)
export const rewriteEmbed: Dialect["rewrite"] = rewriting()
