/** One line of a JSONL file: whose shape it has, and what it says. */
import { basename } from "node:path"
import { readClaudeCodeLine } from "./claude-code-logs.ts"
import { isObject, UnreadableField } from "./fields.ts"
import { damaged, OTHER, type Reading } from "./recorded-call.ts"
import { isUsageRecord, readUsageRecord } from "./usage-ndjson.ts"

/** Up to here a line is always parsed, so that every damaged one is found; most bytes lie beyond. */
const SHORT_LINE_BYTES = 16 * 1024

const OPENING_BRACE = 0x7b
const CLOSING_BRACE = 0x7d

export const readJsonLine = (bytes: Buffer, path: string): Reading => {
  const shape = bytes.length > SHORT_LINE_BYTES ? shapeOf(bytes) : "to parse"
  if (shape === "cut") return damaged("a JSON object that is cut short")
  if (shape === "without usage") return OTHER
  const text = bytes.toString("utf8").trim()
  if (text === "") return OTHER
  try {
    return readParsed(JSON.parse(text), path)
  } catch (error) {
    if (error instanceof UnreadableField) return damaged(error.message)
    // The parser's own words quote the text, which may be a prompt.
    if (error instanceof SyntaxError) return damaged("no JSON")
    throw error
  }
}

const readParsed = (line: unknown, path: string): Reading => {
  if (!isObject(line)) return damaged("no JSON object")
  if (isUsageRecord(line)) return { kind: "call", call: readUsageRecord(line) }
  return readClaudeCodeLine(line, basename(path).replace(/\.jsonl(\.gz)?$/i, ""))
}

/**
 * What the bytes of a long line can be. Usage stands under a key that ends in `usage`, and only
 * an escape of a lower-case letter (`\u006…`, `\u007…`) could spell that key otherwise.
 */
const shapeOf = (bytes: Buffer): "cut" | "without usage" | "to parse" => {
  if (edge(bytes, 1) !== OPENING_BRACE || edge(bytes, -1) !== CLOSING_BRACE) return "cut"
  const mayHaveUsage = ['usage"', "\\u006", "\\u007"].some((mark) => bytes.includes(mark))
  return mayHaveUsage ? "to parse" : "without usage"
}

/** The first (`step` 1) or last (`step` -1) byte that is no white space. */
const edge = (bytes: Buffer, step: 1 | -1): number | undefined => {
  let at = step === 1 ? 0 : bytes.length - 1
  while (isSpace(bytes[at])) at += step
  return bytes[at]
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 0x20 || byte === 0x09 || byte === 0x0d
