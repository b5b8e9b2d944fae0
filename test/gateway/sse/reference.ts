/** Server-sent events as the standard tells them, over the whole text at once; and cutting bytes up. */
import fc from "fast-check"

export interface Told {
  readonly event: string | null
  readonly data: string
  readonly start: number
  readonly end: number
}

const MARK = "\u00ef\u00bb\u00bf"

/** A mark that is none still belongs to the line it begins, but not to the bytes of an event. */
const markLength = (text: string): number =>
  [3, 2, 1].find((length) => text.startsWith(MARK.slice(0, length))) ?? 0

/** `text` holds one byte a character; so does the data. */
export const referenceEvents = (text: string): readonly Told[] => {
  const told: Told[] = []
  const skipped = markLength(text)
  let at = skipped === 3 ? 3 : 0
  let data: string[] = []
  let event = ""
  let start = -1
  const dispatch = (end: number): void => {
    const name = bytesOf(event).toString("utf8") || null
    if (data.length > 0) told.push({ event: name, data: data.join("\n"), start, end })
    data = []
    event = ""
    start = -1
  }
  while (at < text.length) {
    const [whole = "", line = ""] = /^([^\r\n]*)(?:\r\n|\r|\n|$)/.exec(text.slice(at)) ?? []
    if (line === "") dispatch(at + whole.length)
    else if (!line.startsWith(":")) {
      if (start === -1) start = Math.max(at, skipped)
      const [, name, value = ""] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? []
      if (name === "data") data.push(value)
      if (name === "event") event = value
    }
    at += whole.length
  }
  dispatch(text.length)
  return told
}

export const bytesOf = (text: string): Buffer => Buffer.from(text, "latin1")

/** The same bytes in chunks: those between each two places. */
export const cutAt = (bytes: Buffer, places: readonly number[]): readonly Buffer[] => {
  const cuts = [0, ...[...places].sort((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((to, index) => bytes.subarray(cuts[index], to))
}

export const byteByByte = (bytes: Buffer): readonly Buffer[] =>
  Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))

const PIECES = [
  ..."\r\n: ux",
  "\r\n",
  "\n\n",
  "data",
  "data:",
  "data: ",
  "data: u\n\n",
  "data: u\r\r",
  "data: u\r\n\r\n",
  "event",
  "event: ",
  "id: 7\n",
  "retry: 5\n",
  ": a comment\n",
  MARK,
  "\u00ef",
  "\u00c3\u00a9",
]

/** Streams that are made of what the format is made of, with the places where they are cut. */
export const cutStreams: fc.Arbitrary<{ readonly text: string; readonly places: number[] }> = fc
  .array(fc.constantFrom(...PIECES), { maxLength: 40 })
  .map((pieces) => pieces.join(""))
  .chain((text) =>
    fc.record({
      text: fc.constant(text),
      places: fc.array(fc.nat({ max: text.length }), { maxLength: 12 }),
    }),
  )
