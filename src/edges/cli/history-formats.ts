/** History as data: CSV of RFC 4180, and JSON. */
import type { Grouping, HistorySum } from "./history-sums.ts"

const FIGURES = [
  "calls",
  "tokens",
  "rawTokens",
  "inputTokens",
  "outputTokens",
  "cacheWriteTokens",
  "cacheReadTokens",
  "costMicroUsd",
  "unpricedCalls",
] as const satisfies readonly (keyof HistorySum)[]

/** The end of a line by RFC 4180. */
const CRLF = "\r\n"

export function* historyCsv(sums: readonly HistorySum[], by: Grouping): Generator<string> {
  yield [by, ...FIGURES].join(",") + CRLF
  for (const sum of sums)
    yield [quoted(sum.name ?? ""), ...FIGURES.map((figure) => sum[figure])].join(",") + CRLF
}

const quoted = (text: string): string =>
  /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

/** One array, an object a line. */
export function* historyJson(sums: readonly HistorySum[], by: Grouping): Generator<string> {
  let before = "[\n"
  for (const sum of sums) {
    const { name, ...figures } = sum
    yield `${before}${JSON.stringify({ [by]: name, ...figures })}`
    before = ",\n"
  }
  yield before === "[\n" ? "[]\n" : "\n]\n"
}
