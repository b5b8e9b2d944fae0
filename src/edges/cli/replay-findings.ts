/** What a replay found, in sentences below its tables. */
import { add, percentOf } from "../../../machines/budget/amounts.ts"
import type { OutcomeTotals } from "../../replay/outcomes.ts"
import type { Replayed } from "../../replay/replayed.ts"
import { paint, type Style, wrapped } from "./columns.ts"
import { counted, dollars, shortFigure, wholeFigure, wholePercent } from "./figures.ts"

type Found = Omit<Replayed, "outcomes"> & { readonly totals: OutcomeTotals }

/** Instants as the budget's time zone shows them. */
export interface Times {
  readonly date: (iso: string | number) => string
  readonly clock: (iso: string | number) => string
}

interface View {
  readonly width: number
  readonly colour: boolean
  readonly times: Times
}

const words = (name: string): string => name.replaceAll("_", " ")

export const replayFindings = (
  replay: Found,
  { colour, times, width }: View,
): readonly string[] => {
  const { skippedLines, firstRefusal, settings } = replay
  const say = (text: string, style?: Style): readonly string[] =>
    wrapped(text, width).map((line) => paint(line, style, colour))
  const foretold = settings.enforceHardLimits ? null : firstRefusal
  const foretoldAt = foretold && `${times.date(foretold.at)} ${times.clock(foretold.at)}`
  return [
    ...say(verdict(replay), "bold"),
    ...(foretold === null
      ? []
      : say(
          "Soft limits only flag tokens and money: hard ones would first have refused at " +
            `${foretoldAt} (${words(foretold.reason)}).`,
        )),
    ...say(cacheNote(replay)),
    ...costNote(replay).flatMap((text) => say(text)),
    ...(skippedLines === 0
      ? []
      : say(`${counted(skippedLines, "damaged line")} skipped.`, "yellow")),
    ...say("Every day and agent as JSON: add --summary FILE", "dim"),
  ]
}

const verdict = (replay: Found): string => {
  const { totals, tokensSaved, tokensUsed, callsRefused, calls } = replay
  if (callsRefused === 0) return `This budget would have let every call through${roomLeft(replay)}.`
  const done = [
    ...(totals.stopped > 0 ? [`stopped ${counted(totals.stopped, "agent")}`] : []),
    ...(totals.refused > 0 ? [`refused ${counted(totals.refused, "agent")}`] : []),
  ]
  const saved = percentOf(tokensSaved, add(tokensSaved, tokensUsed)) ?? 0
  return (
    `This budget would have ${done.join(" and ")}: ` +
    `${wholeFigure(callsRefused)} of ${counted(calls, "call")} not made, ` +
    `${shortFigure(tokensSaved)} tokens saved (${wholePercent(tokensSaved > 0 ? saved : 0)}).`
  )
}

const roomLeft = ({ days, settings }: Found): string => {
  const percents = days.map((day) => percentOf(day.tokensUsed, settings.dailyTokenLimit))
  const fullest = percents.reduce((most, percent) => Math.max(most ?? 0, percent ?? 0), null)
  return settings.dailyTokenLimit === null || fullest === null
    ? ""
    : `; its fullest day used ${wholePercent(fullest)} of the limit`
}

const cacheNote = ({ tokens, tokensUsed, tokensSaved }: Found): string => {
  const raw = [tokens.input, tokens.output, tokens.cacheWrite, tokens.cacheRead].reduce(add)
  const share = percentOf(tokens.cacheRead, raw) ?? 0
  const counts = add(tokensUsed, tokensSaved)
  return (
    `${shortFigure(raw)} tokens went by, ${wholePercent(raw === 0 ? 0 : share)} of them cache reads; ` +
    `weighed as this budget does they are ${shortFigure(counts)}.`
  )
}

const costNote = ({ days }: Found): readonly string[] => {
  const costMicroUsd = days.map((day) => day.costMicroUsd).reduce(add, 0)
  const unpricedCalls = days.map((day) => day.unpricedCalls).reduce(add, 0)
  if (costMicroUsd === 0) return []
  const without =
    unpricedCalls === 0 ? "" : `, ${counted(unpricedCalls, "call")} without a known price aside`
  return [`What it lets through costs ${dollars(costMicroUsd)}${without}.`]
}
