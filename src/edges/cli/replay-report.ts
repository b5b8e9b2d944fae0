/** The report of a replay for people: what this budget would have done, day by day. */
import { percentOf } from "../../../machines/budget/amounts.ts"
import type { BudgetSettings } from "../../../machines/budget/settings.ts"
import type { Costliest, OutcomeTotals } from "../../replay/outcomes.ts"
import type { Replayed, ReplayedDay } from "../../replay/replayed.ts"
import { bar } from "./bar.ts"
import { type Cell, columns, fitted, paint, type Style } from "./columns.ts"
import {
  counted,
  dollars,
  knownDollars,
  shortFigure,
  wholeFigure,
  wholePercent,
} from "./figures.ts"
import { replayFindings, type Times } from "./replay-findings.ts"

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
    cost: replay.days.some(({ costMicroUsd }) => costMicroUsd > 0)
      ? Math.max(COST.length, ...replay.days.map((day) => knownDollars(day).length))
      : null,
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
    ...replayFindings(replay, page),
  ]
}

interface Page extends ReportView {
  readonly times: Times
  /** Width of the column of used tokens and their limit. */
  readonly ofLimit: number
  /** Width of the column of money; null where nothing is known to have cost any. */
  readonly cost: number | null
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
    ...moneyLimits(settings),
    slots === null ? "no limit at once" : `${counted(slots, "agent")} at once`,
    durationWords(settings.maxTaskDurationMinutes),
  ].join(" · ")
}

/** Only those that are set: few limit money. */
const moneyLimits = (settings: BudgetSettings): readonly string[] => {
  const { dailyCostLimitMicroUsd: day, perAgentCostLimitMicroUsd: agent } = settings
  return [
    ...(day === null ? [] : [`${dollars(day)} a day`]),
    ...(agent === null ? [] : [`${dollars(agent)} an agent`]),
  ]
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
const COST = "COST"

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
    ...(page.cost === null ? [] : [title(COST, page.cost, "right")]),
    ...(wide ? [title("CALLS", CALLS, "right"), title("RAW", RAW, "right")] : []),
    title("STATUS", STATUS),
  ]
  const lines = shown.map((day) => dayLine(day, replay.settings, page))
  return [columns(head, page.colour), ...more, ...lines]
}

const isWide = ({ width }: Page): boolean => width >= 110

const barWidth = (page: Page): number => {
  const money = page.cost === null ? [] : [page.cost]
  const beside = [
    DAY,
    page.ofLimit,
    PERCENT,
    STATUS,
    ...money,
    ...(isWide(page) ? [CALLS, RAW] : []),
  ]
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
    ...(page.cost === null
      ? []
      : [{ text: knownDollars(day), width: page.cost, align: "right" } as const]),
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
