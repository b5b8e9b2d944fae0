/**
 * One CSV record (RFC 4180) from one or more lines.
 *
 * Own code, because the parsers at hand lose every row after a stray quote; here a damaged line
 * costs that line alone.
 */

export type CsvRecord =
  | { readonly kind: "record"; readonly fields: readonly string[] }
  /** A quoted field runs on into the next line. */
  | { readonly kind: "open" }
  | { readonly kind: "damaged"; readonly why: string }

export const splitRecord = (text: string): CsvRecord => {
  if (!text.includes('"')) return { kind: "record", fields: text.split(",") }
  const fields: string[] = []
  let at = 0
  while (true) {
    const field = text[at] === '"' ? quotedField(text, at) : plainField(text, at)
    if (typeof field === "string")
      return field === "open" ? { kind: "open" } : { kind: "damaged", why: field }
    fields.push(field.value)
    if (field.end === text.length) return { kind: "record", fields }
    at = field.end + 1
  }
}

interface Field {
  readonly value: string
  /** Where the comma after it is, or the end of the text. */
  readonly end: number
}

const plainField = (text: string, start: number): Field | string => {
  const comma = text.indexOf(",", start)
  const end = comma === -1 ? text.length : comma
  const value = text.slice(start, end)
  return value.includes('"')
    ? `a quote inside an unquoted field (column ${start + 1})`
    : { value, end }
}

const quotedField = (text: string, start: number): Field | string => {
  let close = text.indexOf('"', start + 1)
  while (close !== -1 && text[close + 1] === '"') close = text.indexOf('"', close + 2)
  if (close === -1) return "open"
  const end = close + 1
  if (end < text.length && text[end] !== ",")
    return `text after a closing quote (column ${end + 1})`
  return { value: text.slice(start + 1, close).replaceAll('""', '"'), end }
}
