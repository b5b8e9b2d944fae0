/** A request with a smaller cap, asked for its usage, or with a note: the rest byte for byte. */
import type { RequestChange } from "../dialect.ts"
import { textOf } from "./body.ts"
import { pastSpace, type Span, spansOf } from "./json-spans.ts"
import { type Addition, type Edit, membersAdded, replaced, splice, wordsAdded } from "./splice.ts"

export type Members = ReadonlyMap<string, Span>

/** What a change comes to: places of the text, and members put at the end of the body. */
export interface Changes {
  readonly edits: readonly Edit[]
  readonly additions: readonly Addition[]
}

export const NO_CHANGES: Changes = { edits: [], additions: [] }

export type Change = (text: string, members: Members, change: RequestChange) => Changes

/** For bytes that the API's reader has let through; the same buffer where nothing changes. */
export const rewriting =
  (...changes: readonly Change[]) =>
  (bytes: Buffer, change: RequestChange): Buffer => {
    const text = textOf(bytes)
    const start = pastSpace(text, 0)
    const { members } = spansOf(text, start)
    const made = changes.map((each) => each(text, members, change))
    const edits = [
      ...made.flatMap((each) => each.edits),
      ...membersAdded(
        text,
        start,
        made.flatMap((each) => each.additions),
      ),
    ]
    return edits.length === 0 ? bytes : splice(bytes, edits)
  }

/** Lowers what is above the cap, fills in a null, or adds the first of the names. Raises nothing. */
export const capped = (
  text: string,
  members: Members,
  names: readonly [string, ...string[]],
  cap: number,
): Changes => {
  const there = names.flatMap((name) => members.get(name) ?? [])
  const [empty] = there.filter((span) => isNull(text, span))
  const caps = there.filter((span) => !isNull(text, span))
  if (caps.length > 0) {
    const above = caps.filter((span) => Number(text.slice(span.start, span.end)) > cap)
    return { edits: above.map((span) => replaced(span, String(cap))), additions: [] }
  }
  if (empty !== undefined) return { edits: [replaced(empty, String(cap))], additions: [] }
  return { edits: [], additions: [[names[0], String(cap)]] }
}

export const capIn =
  (...names: readonly [string, ...string[]]): Change =>
  (text, members, { outputCap }) =>
    outputCap === null ? NO_CHANGES : capped(text, members, names, outputCap)

/** Sets a member of an object, which may be absent or null, or lack the member. */
export const memberSet = (
  text: string,
  members: Members,
  names: readonly [string, ...string[]],
  within: (text: string, members: Members) => Changes,
): Changes => {
  const span = names.flatMap((name) => members.get(name) ?? [])[0]
  if (span !== undefined && !isNull(text, span)) {
    const { edits, additions } = within(text, spansOf(text, span.start).members)
    return { edits: [...edits, ...membersAdded(text, span.start, additions)], additions: [] }
  }
  const { additions } = within(text, new Map())
  const object = `{${additions.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(",")}}`
  if (span !== undefined) return { edits: [replaced(span, object)], additions: [] }
  return { edits: [], additions: [[names[0], object]] }
}

/** Asks for usage at the end of a stream, where the API must be asked; other options stay. */
export const usageAsked: Change = (text, members, { askUsage }) => {
  const stream = members.get("stream")
  if (!askUsage || stream === undefined || !text.startsWith("true", stream.start)) return NO_CHANGES
  return memberSet(text, members, ["stream_options"], (_, options) => {
    const asked = options.get("include_usage")
    if (asked === undefined) return { edits: [], additions: [["include_usage", "true"]] }
    const isAsked = text.startsWith("true", asked.start)
    return { edits: isAsked ? [] : [replaced(asked, "true")], additions: [] }
  })
}

/** Puts the note behind the words of a parameter that is a string, absent or null. */
export const noteBehind = (
  text: string,
  members: Members,
  name: string,
  note: string,
): Changes | null => {
  const span = members.get(name)
  if (span === undefined) return { edits: [], additions: [[name, JSON.stringify(note)]] }
  if (isNull(text, span)) return { edits: [replaced(span, JSON.stringify(note))], additions: [] }
  return text[span.start] === '"'
    ? { edits: [wordsAdded(span, `\n\n${note}`)], additions: [] }
    : null
}

export const isList = (text: string, span: Span | undefined): span is Span =>
  span !== undefined && text[span.start] === "["

export const isNull = (text: string, span: Span): boolean =>
  span.end - span.start === 4 && text.startsWith("null", span.start)
