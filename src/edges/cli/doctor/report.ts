/** The doctor's findings, for people and as JSON. */
import { paint, type Style, wrapped } from "../columns.ts"
import type { Finding, Verdict } from "./finding.ts"

const MARKS: Readonly<Record<Verdict, { readonly mark: string; readonly style: Style }>> = {
  good: { mark: "✓", style: "green" },
  note: { mark: "!", style: "yellow" },
  bad: { mark: "✗", style: "red" },
}

const CHECK_WIDTH = 12
const MARGIN = " ".repeat(CHECK_WIDTH + 4)

/** A line for each finding; what does not fit goes on below it. */
export const doctorReport = (
  findings: readonly Finding[],
  view: { readonly width: number; readonly colour: boolean },
): readonly string[] => findings.flatMap((finding) => linesOf(finding, view))

const linesOf = (
  { check, verdict, text, details }: Finding,
  { width, colour }: { readonly width: number; readonly colour: boolean },
): readonly string[] => {
  const { mark, style } = MARKS[verdict]
  const room = Math.max(width, 60) - MARGIN.length
  const [first = "", ...rest] = wrapped(text, room)
  const below = [...rest, ...details.flatMap((detail) => wrapped(detail, room))]
  return [
    `${paint(mark, style, colour)} ${check.padEnd(CHECK_WIDTH)}  ${first}`,
    ...below.map((line) => MARGIN + paint(line, "dim", colour)),
  ]
}

/** One array, an object a finding. */
export const doctorJson = (findings: readonly Finding[]): string =>
  `${JSON.stringify(findings, null, 2)}\n`
