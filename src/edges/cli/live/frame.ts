/** One picture of the supervisor as lines of text: the day's bar, then a line for each agent. */
import { percentOf } from "../../../../machines/budget/amounts.ts"
import type { AgentSummary, Summary } from "../../../../machines/budget/summary.ts"
import type { BudgetStatus } from "../../../../machines/vocabulary.ts"
import { bar } from "../bar.ts"
import { type Cell, columns, fitted, paint, type Style } from "../columns.ts"
import { counted, dollars, knownDollars, shortFigure, wholePercent } from "../figures.ts"
import { spanOf } from "./span.ts"

export interface FrameOptions {
  readonly columns: number
  readonly rows: number
  readonly colour: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly waiting: number
  /** What happened last, oldest first. */
  readonly recent: readonly string[]
}

const WIDE = 120
const STYLES: Readonly<Record<BudgetStatus, Style>> = {
  within_budget: "green",
  approaching_limit: "yellow",
  at_limit: "yellow",
  exceeded: "red",
}
const MARKS: Readonly<Record<AgentSummary["state"], string>> = {
  starting: "▷",
  running: "▶",
  stopping: "◐",
  unkillable: "!",
  ended: "■",
}

const words = (status: string): string => status.replaceAll("_", " ")

export const frame = (summary: Summary, options: FrameOptions): readonly string[] => {
  const head = [
    titleLine(summary, options),
    dayLine(summary, options),
    ...moneyLine(summary),
    countLine(summary, options),
  ]
  const foot = options.recent.slice(-RECENT_LINES).map((line) => cut(line, options))
  const room = options.rows - head.length - foot.length - FIXED_LINES
  return [...head, "", ...agentLines(summary, options, Math.max(room, 1)), "", ...foot]
}

const RECENT_LINES = 3
/** The blank lines, the column heads, and the last line, which stays free. */
const FIXED_LINES = 5

const titleLine = (summary: Summary, { colour }: FrameOptions): string => {
  const status = paint(`○ ${words(summary.budgetStatus)}`, STYLES[summary.budgetStatus], colour)
  const mode = summary.enforceHardLimits ? "hard limits" : "soft limits"
  const bound =
    summary.overshootBound === 0
      ? "overshoot 0"
      : (summary.overshootEstimate ?? 0) === 0
        ? ""
        : `overshoot ≈ ${shortFigure(summary.overshootEstimate ?? 0)}`
  return `${paint("◆ stint", "bold", colour)}  ${status}   ${paint([mode, bound].filter(Boolean).join(" · "), "dim", colour)}`
}

const dayLine = (summary: Summary, options: FrameOptions): string => {
  const { dailyTokensUsed: used, dailyTokenLimit: limit, heldTokens } = summary
  const left = spanOf(Date.parse(summary.windowEndsAt) - options.now)
  const held = heldTokens > 0 ? ` · held ${shortFigure(heldTokens)}` : ""
  const lead = `Day ${shortFigure(used)} of ${limit === null ? "no limit" : shortFigure(limit)}`
  const tail = `${percentText(summary.dailyUsagePercent)}${held} · resets in ${left}`
  const width = Math.max(options.columns - lead.length - tail.length - 6, 10)
  return `${paint(lead, "bold", options.colour)}  ${usageBar(summary, width, options.colour)}  ${tail}`
}

/** Only where there is any; of tokens alone nobody asks what they cost. */
const moneyLine = (summary: Summary): readonly string[] => {
  const { dailyCostMicroUsd: used, dailyCostLimitMicroUsd: limit, heldCostMicroUsd: held } = summary
  if (used === 0 && held === 0 && limit === null) return []
  const parts = [
    `${dollars(used)}${limit === null ? "" : ` of ${dollars(limit)}`}`,
    percentText(percentOf(used, limit)),
    held > 0 ? `held ${dollars(held)}` : "",
    summary.unpricedCalls > 0 ? `${counted(summary.unpricedCalls, "call")} without a price` : "",
  ]
  return [`    ${parts.filter(Boolean).join(" · ")}`]
}

const percentText = (percent: number | null): string =>
  percent === null ? "" : wholePercent(percent)

const WARNING_SHARE = 0.8

const usageBar = (
  of: { readonly budgetStatus: BudgetStatus; readonly percent?: number | null } & Partial<Summary>,
  width: number,
  colour: boolean,
): string => {
  const percent = of.percent ?? of.dailyUsagePercent ?? null
  const { filled, rest } = bar((percent ?? 0) / 100, width, percent === null ? null : WARNING_SHARE)
  return paint(filled, STYLES[of.budgetStatus], colour) + paint(rest, "dim", colour)
}

const countLine = (summary: Summary, { waiting, colour }: FrameOptions): string => {
  const count = (...states: readonly AgentSummary["state"][]): number =>
    summary.agentUsage.filter(({ state }) => states.includes(state)).length
  const ended = count("ended") + summary.omittedAgents.agents
  const parts = [
    `▶ ${count("starting", "running")} running`,
    `◐ ${count("stopping", "unkillable")} stopping`,
    `… ${waiting} queued`,
    `■ ${ended} ended`,
    summary.refused.length > 0 ? `✕ ${summary.refused.length} refused` : "",
  ]
  const slots =
    summary.maxConcurrentAgents === null ? "" : ` of ${summary.maxConcurrentAgents} slots`
  const lead = `${counted(summary.activeAgents, "agent")}${slots}`
  return `${paint(lead, "dim", colour)}   ${parts.filter(Boolean).join("   ")}`
}

/** The living first, then the ended, newest first; what has no room is counted. */
const agentLines = (summary: Summary, options: FrameOptions, room: number): readonly string[] => {
  const living = summary.agentUsage.filter(({ state }) => state !== "ended")
  const ended = summary.agentUsage.filter(({ state }) => state === "ended").reverse()
  const all = [...living, ...ended]
  const layout = layoutOf(all, options)
  const blocks = all
    .slice(0, room)
    .map((agent) => [agentLine(agent, layout), ...notesBelow(agent, layout)])
  const shown =
    all.length <= room && blocks.flat().length <= room ? blocks : fitting(blocks, room - 1)
  const hidden = all.length - shown.length
  const lines = [headLine(layout), ...shown.flat()]
  return hidden > 0 ? [...lines, paint(`   … and ${hidden} more`, "dim", options.colour)] : lines
}

/** As many of the first as have room. */
const fitting = (blocks: readonly (readonly string[])[], room: number) => {
  let lines = 0
  return blocks.filter((block) => {
    lines += block.length
    return lines <= room
  })
}

const STATE_WIDTH = 16
const FIGURES_WIDTH = 15
const PERCENT_WIDTH = 5
const COST_WIDTH = 8
const TIME_WIDTH = 7
const BAR_LEAST = 8
/** Two spaces between any two columns. */
const GAPS_WIDTH = 10

interface Layout extends FrameOptions {
  readonly name: number
  readonly bar: number
  readonly hasCost: boolean
  /** Reasons have a column of their own. */
  readonly hasReason: boolean
}

const layoutOf = (agents: readonly AgentSummary[], options: FrameOptions): Layout => {
  const hasReason = options.columns >= WIDE
  const name = hasReason ? 28 : 14
  const reason = hasReason ? REASON_WIDTH + 2 : 0
  const fixed = STATE_WIDTH + name + FIGURES_WIDTH + PERCENT_WIDTH + TIME_WIDTH + GAPS_WIDTH
  const room = options.columns - fixed - reason
  const isAnyCost = agents.some(({ costMicroUsd }) => costMicroUsd > 0)
  const hasCost = isAnyCost && room - COST_WIDTH - 2 >= BAR_LEAST
  const bar = Math.max(hasCost ? room - COST_WIDTH - 2 : room, BAR_LEAST)
  return { ...options, name, bar, hasCost, hasReason }
}

const REASON_WIDTH = 20

const headLine = ({ name, bar: width, hasCost, hasReason, colour }: Layout): string =>
  paint(
    columns(
      [
        { text: "  STATE", width: STATE_WIDTH },
        { text: "AGENT", width: name },
        { text: "TOKENS", width },
        { text: "USED / LIMIT", width: FIGURES_WIDTH, align: "right" },
        { text: "%", width: PERCENT_WIDTH, align: "right" },
        ...(hasCost ? [{ text: "COST", width: COST_WIDTH, align: "right" } as const] : []),
        { text: "LEFT", width: TIME_WIDTH, align: "right" },
        ...(hasReason ? [{ text: "REASON" }] : []),
      ],
      false,
    ),
    "dim",
    colour,
  )

const stateStyle = (agent: AgentSummary): Style | undefined => {
  if (agent.state === "unkillable") return "red"
  if (agent.state === "stopping") return "yellow"
  return agent.state === "ended" ? "dim" : "green"
}

const agentLine = (agent: AgentSummary, layout: Layout): string => {
  const { colour, now, hasCost, hasReason } = layout
  const over = agent.state === "ended"
  const label = over && !hasReason ? (agent.reason ?? "ended") : stateWords(agent)
  const left = agent.deadlineAt === null || over ? "–" : spanOf(Date.parse(agent.deadlineAt) - now)
  const limit = agent.tokenLimit === null ? "no limit" : shortFigure(agent.tokenLimit)
  const drawn = usageBar(
    { budgetStatus: agent.budgetStatus, percent: agent.usagePercent },
    layout.bar,
    colour,
  )
  const cells: readonly Cell[] = [
    {
      text: fitted(`${MARKS[agent.state]} ${shortReason(label)}`, STATE_WIDTH),
      width: STATE_WIDTH,
      style: stateStyle(agent),
    },
    {
      // Padded here: the last cell of a line is not, and the bar follows this one.
      text: fitted(agent.agentId, layout.name).padEnd(layout.name),
      style: over ? "dim" : "bold",
    },
  ]
  const figures: readonly Cell[] = [
    {
      text: `${shortFigure(agent.totalTokens)} / ${limit}`,
      width: FIGURES_WIDTH,
      align: "right",
    },
    {
      text: percentText(agent.usagePercent),
      width: PERCENT_WIDTH,
      align: "right",
      style: STYLES[agent.budgetStatus],
    },
    ...(hasCost
      ? [{ text: knownDollars(agent), width: COST_WIDTH, align: "right" } satisfies Cell]
      : []),
    { text: left, width: TIME_WIDTH, align: "right" },
    ...(hasReason ? [{ text: agent.reason ?? "", style: stateStyle(agent) } satisfies Cell] : []),
  ]
  // Without colour nothing guards the padding of the last cell, and the bar would slip to the left.
  const lead = columns(cells, colour)
  const padded = colour ? lead : lead.padEnd(STATE_WIDTH + 2 + layout.name)
  return `${padded}  ${drawn}  ${columns(figures, colour)}`
}

const stateWords = ({ state, wrappingUp }: AgentSummary): string =>
  state === "running" && wrappingUp ? "wrapping up" : state

/** What else there is to know of it, in few words. */
const notesOf = ({ credential, ownAccount }: AgentSummary): readonly string[] => {
  const difference = ownAccount?.differenceTokens ?? 0
  const sign = difference > 0 ? "+" : "−"
  return [
    credential === "own" ? "own sign-in" : "",
    difference === 0 ? "" : `own count ${sign}${shortFigure(Math.abs(difference))}`,
  ].filter(Boolean)
}

const notesBelow = (agent: AgentSummary, { colour }: Layout): readonly string[] => {
  const notes = notesOf(agent)
  return notes.length === 0 ? [] : [paint(`  └ ${notes.join(" · ")}`, "dim", colour)]
}

/** In the narrow view the reason stands where the state stood, without its last word. */
const shortReason = (label: string): string => words(label.replace(/_(?:token_)?limit$/, " limit"))

const cut = (line: string, { columns: width, colour }: FrameOptions): string =>
  paint(fitted(line, width), "dim", colour)
