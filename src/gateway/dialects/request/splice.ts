/** Changes a few places of a JSON body and leaves every other byte as it was. */
import { pastSpace, type Span, spansOf } from "./json-spans.ts"

/** `text` in place of what stands from `start` to `end`; an insertion where both are the same. */
export interface Edit extends Span {
  readonly text: string
}

/** The edits must not overlap. */
export const splice = (bytes: Buffer, edits: readonly Edit[]): Buffer => {
  const parts: Buffer[] = []
  let at = 0
  for (const edit of [...edits].sort((a, b) => a.start - b.start)) {
    parts.push(bytes.subarray(at, edit.start), Buffer.from(edit.text))
    at = edit.end
  }
  return Buffer.concat([...parts, bytes.subarray(at)])
}

export const replaced = (span: Span, text: string): Edit => ({ ...span, text })

/** A name and a value, both as JSON has them. */
export type Addition = readonly [name: string, value: string]

/** Puts members at the end of the object that begins at `start`. */
export const membersAdded = (
  text: string,
  start: number,
  additions: readonly Addition[],
): readonly Edit[] => {
  if (additions.length === 0) return []
  const last = [...spansOf(text, start).members.values()].at(-1)
  const members = additions.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")
  return [inserted(last?.end ?? start + 1, last ? `,${members}` : members)]
}

/** Puts an element at the end of the list that `span` covers. */
export const elementAdded = (text: string, span: Span, value: string): Edit => {
  const isEmpty = pastSpace(text, span.start + 1) === span.end - 1
  return inserted(span.end - 1, isEmpty ? value : `,${value}`)
}

/** Puts words at the end of the string that `span` covers. */
export const wordsAdded = (span: Span, words: string): Edit =>
  inserted(span.end - 1, JSON.stringify(words).slice(1, -1))

const inserted = (at: number, text: string): Edit => ({ start: at, end: at, text })
