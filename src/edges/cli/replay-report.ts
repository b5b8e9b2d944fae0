/** The report of a replay for people: what this budget would have done, day by day. */
import { add, percentOf } from "../../../machines/budget/amounts.ts"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { Costliest, OutcomeTotals } from "../../replay/outcomes.ts"
import type { Replayed, ReplayedDay } from "../../replay/replayed.ts"
import { bar } from "./bar.ts"
import { type Cell, columns, fitted, paint, type Style, wrapped } from "./columns.ts"
import { counted, shortFigure, wholeFigure, wholePercent } from "./figures.ts"

/** A replay's result as plain data; agents are those with most saved. */
export interface ReportedReplay extends Omit<Replayed, "outcomes"> {
  readonly totals: OutcomeTotals
  readonly costliest: readonly Costliest[]
}

export interface ReportView {
  /** Columns of the terminal. */
  readonly width: number
  readonly colour: boolean
}

/** So many agents are listed; the summary has them all. */
export const LISTED_AGENTS = 10
const LISTED_DAYS = 100
const WIDEST = 160
const NARROWEST = 80

export const reportedReplay = ({ outcomes, ...replayed }: Replayed): ReportedReplay => ({
  ...replayed,
  totals: outcomes.totals(),
  costliest: outcomes.costliest(LISTED_AGENTS),
})

export const replayReport = (replay: ReportedReplay, view: ReportView): readonly string[] => {
  const width = Math.min(Math.max(view.width, NARROWEST), WIDEST)
  const page: Page = {
    ...view,
    width,
    times: timesOf(replay.settings.timeZone),
    ofLimit: Math.max(
      ...[OF_LIMIT, ...replay.days.map((day) => ofLimit(day, replay.settings))].map(
        ({ length }) => length,
      ),
    ),
  }
  return [
    ...header(replay, page),
    "",
    ...dayTable(replay, page),
    ...agentTable(replay, page),
    "",
    ...findings(replay, page),
  ]
}

interface Page extends ReportView {
  readonly times: Times
  /** Width of the column of used tokens and their limit. */
  readonly ofLimit: number
}

/** Instants as the budget's time zone shows them. */
interface Times {
  readonly date: (iso: string | number) => string
  readonly clock: (iso: string | number) => string
}

const timesOf = (timeZone: string): Times => {
  const base = { timeZone, calendar: "gregory", numberingSystem: "latn" } as const
  const dates = new Intl.DateTimeFormat("en-CA", { ...base, dateStyle: "short" })
  const clocks = new Intl.DateTimeFormat("en-GB", {
    ...base,
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  })
  return {
    date: (at) => dates.format(new Date(at)),
    clock: (at) => clocks.format(new Date(at)),
  }
}

const header = (replay: ReportedReplay, { colour, times }: Page): readonly string[] => {
  const { settings, extent } = replay
  const mode = settings.enforceHardLimits ? "hard limits" : "soft limits"
  const [firstDay, lastDay] = [times.date(extent.firstAt), times.date(extent.lastAt)]
  const first = `${firstDay} ${times.clock(extent.firstAt)}`
  const last = `${lastDay === firstDay ? "" : `${lastDay} `}${times.clock(extent.lastAt)}`
  const name = paint("◆ stint replay", "bold", colour)
  return [
    `${name}  ${paint(`what would this budget have done? ${mode}, ${settings.timeZone}`, "dim", colour)}`,
    `${counted(replay.calls, "call")} by ${counted(replay.agents, "agent")} in ${counted(replay.files, "file")}, ${first} to ${last}`,
    limitsLine(settings),
  ]
}

const limitsLine = (settings: BudgetSettings): string => {
  const tokens = (limit: number | null) => (limit === null ? "no limit" : shortFigure(limit))
  const slots = settings.maxConcurrentAgents
  return [
    `${tokens(settings.dailyTokenLimit)} a day`,
    `${tokens(settings.perAgentTokenLimit)} an agent`,
    slots === null ? "no limit at once" : `${counted(slots, "agent")} at once`,
    durationWords(settings.maxTaskDurationMinutes),
  ].join(" · ")
}

const durationWords = (minutes: number | null): string =>
  minutes === null ? "no limit of time" : `${wholeFigure(minutes)} min each`

const STATUS_STYLE: Readonly<Record<ReplayedDay["budgetStatus"], Style>> = {
  within_budget: "green",
  approaching_limit: "yellow",
  at_limit: "yellow",
  exceeded: "red",
}

const words = (name: string): string => name.replaceAll("_", " ")

/** Widths of what stands beside the bar. */
const DAY = 10
const PERCENT = 5
const STATUS = 17
const CALLS = 9
const RAW = 7

const dayTable = (replay: ReportedReplay, page: Page): readonly string[] => {
  const hidden = replay.days.length - LISTED_DAYS
  const shown = replay.days.slice(-LISTED_DAYS)
  const more = hidden > 0 ? [`… and ${counted(hidden, "earlier day")}`] : []
  const wide = isWide(page)
  const title = (text: string, width: number, align: "left" | "right" = "left"): Cell => ({
    text,
    width,
    align,
    style: "dim",
  })
  const head = [
    title("DAY", DAY),
    title("TOKENS", barWidth(page)),
    title(OF_LIMIT, page.ofLimit, "right"),
    title("%", PERCENT, "right"),
    ...(wide ? [title("CALLS", CALLS, "right"), title("RAW", RAW, "right")] : []),
    title("STATUS", STATUS),
  ]
  const lines = shown.map((day) => dayLine(day, replay.settings, page))
  return [columns(head, page.colour), ...more, ...lines]
}

const isWide = ({ width }: Page): boolean => width >= 110

const barWidth = (page: Page): number => {
  const beside = [DAY, page.ofLimit, PERCENT, STATUS, ...(isWide(page) ? [CALLS, RAW] : [])]
  return page.width - beside.reduce((sum, width) => sum + width + 2, 0)
}

const OF_LIMIT = "USED / LIMIT"

const ofLimit = ({ tokensUsed }: ReplayedDay, { dailyTokenLimit }: BudgetSettings): string =>
  `${shortFigure(tokensUsed)} / ${dailyTokenLimit === null ? "no limit" : shortFigure(dailyTokenLimit)}`

const dayLine = (day: ReplayedDay, settings: BudgetSettings, page: Page): string => {
  const limit = settings.dailyTokenLimit
  const percent = percentOf(day.tokensUsed, limit)
  const style = day.limitReachedAt === null ? STATUS_STYLE[day.budgetStatus] : "red"
  const status =
    day.limitReachedAt === null
      ? words(day.budgetStatus)
      : `reached at ${page.times.clock(day.limitReachedAt)}`
  const counts: readonly Cell[] = [
    { text: wholeFigure(day.calls), width: CALLS, align: "right" },
    { text: shortFigure(day.rawTokens), width: RAW, align: "right", style: "dim" },
  ]
  const right: readonly Cell[] = [
    { text: ofLimit(day, settings), width: page.ofLimit, align: "right" },
    { text: percent === null ? "–" : wholePercent(percent), width: PERCENT, align: "right", style },
    ...(isWide(page) ? counts : []),
    { text: status, style },
  ]
  const { filled, rest } = bar(
    (percent ?? 0) / 100,
    barWidth(page),
    limit === null ? null : settings.thresholds[0] / 100,
  )
  const drawn = paint(filled, style, page.colour) + paint(rest, "dim", page.colour)
  return `${day.date.padEnd(DAY)}  ${drawn}  ${columns(right, page.colour)}`
}

const WHAT = 7
const WHY = 17
const WHEN = 11
const FIGURE = 6

const agentTable = (replay: ReportedReplay, page: Page): readonly string[] => {
  const { totals, costliest } = replay
  const all = totals.stopped + totals.refused
  if (all === 0) return []
  const beside = [WHAT, WHY, WHEN, FIGURE, FIGURE]
  const name = page.width - beside.reduce((sum, width) => sum + width + 2, 0)
  const widest = Math.max(...costliest.map(({ agentId }) => agentId.length), "AGENT".length)
  const nameWidth = Math.min(name, widest)
  const right = { width: FIGURE, align: "right" } as const
  const head = columns(
    [
      { text: "AGENT", width: nameWidth, style: "dim" },
      { text: "", width: WHAT },
      { text: "WHY", width: WHY, style: "dim" },
      { text: "WHEN", width: WHEN, style: "dim" },
      { text: "USED", style: "dim", ...right },
      { text: "SAVED", style: "dim", ...right },
    ],
    page.colour,
  )
  const lines = costliest.map((agent) => agentLine(agent, nameWidth, page))
  const hidden = all - costliest.length
  return ["", head, ...lines, ...(hidden > 0 ? [`… and ${counted(hidden, "other")}`] : [])]
}

const agentLine = (agent: Costliest, nameWidth: number, page: Page): string => {
  const { times, colour } = page
  const right = { width: FIGURE, align: "right" } as const
  return columns(
    [
      { text: shortName(agent.agentId, nameWidth), width: nameWidth, style: "bold" },
      { text: agent.kind, width: WHAT, style: agent.kind === "stopped" ? "red" : "yellow" },
      { text: words(agent.reason), width: WHY },
      { text: `${times.date(agent.at).slice(5)} ${times.clock(agent.at)}`, width: WHEN },
      { text: shortFigure(agent.tokensUsed), ...right },
      { text: shortFigure(agent.tokensSaved), style: "green", ...right },
    ],
    colour,
  )
}

const UUID = /([0-9a-f]{8})-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi

/** Where there is no room for it, the beginning of a session's id tells it apart well enough. */
const shortName = (agentId: string, width: number): string =>
  fitted(agentId.length > width ? agentId.replaceAll(UUID, "$1…") : agentId, width)

const findings = (replay: ReportedReplay, { colour, times, width }: Page): readonly string[] => {
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
          "Soft limits only flag tokens: hard ones would first have refused at " +
            `${foretoldAt} (${words(foretold.reason)}).`,
        )),
    ...say(cacheNote(replay)),
    ...(skippedLines === 0
      ? []
      : say(`${counted(skippedLines, "damaged line")} skipped.`, "yellow")),
    ...say("Every day and agent as JSON: add --summary FILE", "dim"),
  ]
}

const verdict = (replay: ReportedReplay): string => {
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

const roomLeft = ({ days, settings }: ReportedReplay): string => {
  const percents = days.map((day) => percentOf(day.tokensUsed, settings.dailyTokenLimit))
  const fullest = percents.reduce((most, percent) => Math.max(most ?? 0, percent ?? 0), null)
  return settings.dailyTokenLimit === null || fullest === null
    ? ""
    : `; its fullest day used ${wholePercent(fullest)} of the limit`
}

const cacheNote = ({ tokens, tokensUsed, tokensSaved }: ReportedReplay): string => {
  const raw = [tokens.input, tokens.output, tokens.cacheWrite, tokens.cacheRead].reduce(add)
  const share = percentOf(tokens.cacheRead, raw) ?? 0
  const counts = add(tokensUsed, tokensSaved)
  return (
    `${shortFigure(raw)} tokens went by, ${wholePercent(raw === 0 ? 0 : share)} of them cache reads; ` +
    `weighed as this budget does they are ${shortFigure(counts)}.`
  )
}
