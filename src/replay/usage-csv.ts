/** Usage as CSV: the names of a `stint.usage` object as header, one call a row. */
import { type CsvRecord, splitRecord } from "./csv-record.ts"
import {
  readCountText,
  readInstant,
  readName,
  readOptionalName,
  UnreadableField,
} from "./fields.ts"
import { LINE_TOO_LONG, type Line } from "./lines.ts"
import type { RecordedCall } from "./recorded-call.ts"
import { COUNT_NAMES, usageCallId } from "./usage-ndjson.ts"

/** What a row turned out to be; `line` is where it begins. */
export interface CsvRow {
  readonly line: number
  readonly read: RecordedCall | string
}

/** The header names no call: nothing of the file can be read. */
export class UnknownHeader extends Error {}

/** A quoted field that has not closed after so much is a stray quote. */
const MAX_LINES_OF_A_RECORD = 100
const MAX_RECORD_CHARACTERS = 1_000_000

/** The longest line read of a CSV: its rows are short. */
export const MAX_CSV_LINE_BYTES = 1_000_000

type Columns = ReadonlyMap<string, number>

interface NumberedText {
  readonly line: number
  /** Null: too long to be read. */
  readonly text: string | null
}

/** Takes lines as they come and gives rows; a row may need more than one line. */
export class UsageCsv {
  #columns: Columns | null = null
  /** Lines of a record whose quoted field is still open. */
  #open: NumberedText[] = []

  /** Throws `UnknownHeader` when the first line is no header of usage. */
  push(line: Line): readonly CsvRow[] {
    const text = line.bytes === null ? null : line.bytes.toString("utf8")
    return this.#take({ line: line.number, text })
  }

  end(): readonly CsvRow[] {
    const rows: CsvRow[] = []
    while (this.#open.length > 0) rows.push(...this.#giveUp())
    return rows
  }

  #take(next: NumberedText): readonly CsvRow[] {
    const { line, text } = next
    if (text === null) return [...this.end(), { line, read: LINE_TOO_LONG }]
    if (this.#open.length === 0 && text.trim() === "") return []
    this.#open.push({ line, text })
    const joined = this.#open.map((part) => part.text).join("\n")
    const record = splitRecord(joined)
    if (record.kind === "open") return this.#isTooMuch(joined) ? this.#giveUp() : []
    // Damage after the first line means that its quote was a stray one.
    if (record.kind === "damaged" && this.#open.length > 1) return this.#giveUp()
    const first = this.#open[0]?.line ?? line
    this.#open = []
    return this.#row(first, record)
  }

  #isTooMuch(joined: string): boolean {
    return this.#open.length > MAX_LINES_OF_A_RECORD || joined.length > MAX_RECORD_CHARACTERS
  }

  /** The first line is damaged; those read after it stand for themselves again. */
  #giveUp(): readonly CsvRow[] {
    const [first, ...rest] = this.#open
    this.#open = []
    const rows: CsvRow[] = first === undefined ? [] : [{ line: first.line, read: NEVER_CLOSES }]
    for (const line of rest) rows.push(...this.#take(line))
    return rows
  }

  #row(line: number, record: Exclude<CsvRecord, { kind: "open" }>): readonly CsvRow[] {
    if (record.kind === "damaged") return [{ line, read: record.why }]
    if (this.#columns !== null) return [{ line, read: readRow(record.fields, this.#columns) }]
    this.#columns = readHeader(record.fields)
    return []
  }
}

const NEVER_CLOSES = "a quoted field never closes"

const readHeader = (fields: readonly string[]): Columns => {
  const names = fields.map((field) => field.trim())
  const columns = new Map(names.map((name, index) => [name, index]))
  const missing = ["at", "agentId"].filter((name) => !columns.has(name))
  const hasCounts = COUNT_NAMES.some((name) => columns.has(name))
  if (missing.length > 0 || !hasCounts || columns.size < names.length) {
    const found = names.join(",").slice(0, 200)
    throw new UnknownHeader(
      `the header is ${JSON.stringify(found)}; expected the columns at, agentId and at least one of ` +
        `${COUNT_NAMES.join(", ")} (optional: taskId, id, model), each once`,
    )
  }
  return columns
}

const readRow = (fields: readonly string[], columns: Columns): RecordedCall | string => {
  const text = (name: string): string | undefined => fields[columns.get(name) ?? -1]
  if (fields.length > columns.size) return `${fields.length} fields under ${columns.size} columns`
  try {
    return readFields(text)
  } catch (error) {
    if (error instanceof UnreadableField) return error.message
    throw error
  }
}

const readFields = (text: (name: string) => string | undefined): RecordedCall => {
  const agentId = readName(text("agentId")?.trim(), "agentId")
  const id = readOptionalName(text("id")?.trim(), "id")
  return {
    at: readInstant(text("at"), "at"),
    agentId,
    taskId: readOptionalName(text("taskId")?.trim(), "taskId") ?? agentId,
    callId: id === null ? null : usageCallId(agentId, id),
    usage: {
      inputTokens: readCountText(text("inputTokens"), "inputTokens"),
      outputTokens: readCountText(text("outputTokens"), "outputTokens"),
      cacheWriteTokens: readCountText(text("cacheWriteTokens"), "cacheWriteTokens"),
      cacheReadTokens: readCountText(text("cacheReadTokens"), "cacheReadTokens"),
    },
    model: readOptionalName(text("model")?.trim(), "model"),
  }
}
