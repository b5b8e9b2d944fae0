/** History for people: one line a day, agent, task or model, and what they come to. */
import { bar } from "./bar.ts"
import { type Cell, columns, fitted, paint } from "./columns.ts"
import { counted, knownDollars, shortFigure, wholeFigure } from "./figures.ts"
import { type Grouping, type HistorySum, totalOf } from "./history-sums.ts"

export interface TableView {
  readonly width: number
  readonly colour: boolean
}

const NARROWEST = 80
const WIDEST = 120
const LISTED = 100

/** Widths of the figures. */
const TOKENS = 7
const CALLS = 9
const RAW = 7
const CACHE_READ = 10
const COST = "COST"
const DAY = 10
const NAME_LEAST = 20
const GAP = 2

export const historyTable = (
  sums: readonly HistorySum[],
  by: Grouping,
  view: TableView,
): readonly string[] => {
  if (sums.length === 0) return ["nothing was used"]
  const layout = layoutOf(sums, by, view)
  const most = sums.reduce((largest, { tokens }) => Math.max(largest, tokens), 0)
  // Of days the latest are wanted, of the others the largest.
  const shown = by === "day" ? sums.slice(-LISTED) : sums.slice(0, LISTED)
  const hidden = sums.length - shown.length
  const words = `… and ${counted(hidden, by === "day" ? "earlier day" : `smaller ${by}`)}, all with --format csv`
  const more = hidden > 0 ? [paint(words, "dim", view.colour)] : []
  const lines = shown.map((sum) => line(sum, most, layout))
  const body = by === "day" ? [...more, ...lines] : [...lines, ...more]
  const all = totalOf(sums)
  return [head(by, layout), ...body, total(all, layout), ...unpricedNote(all, layout)]
}

interface Layout {
  readonly name: number
  readonly bar: number
  /** Width of the column of money; null where nothing is known to have cost any. */
  readonly cost: number | null
  readonly colour: boolean
}

const layoutOf = (sums: readonly HistorySum[], by: Grouping, view: TableView): Layout => {
  const width = Math.min(Math.max(view.width, NARROWEST), WIDEST)
  const costs = [COST, knownDollars(totalOf(sums)), ...sums.map(knownDollars)].map(
    ({ length }) => length,
  )
  const cost = sums.some(({ costMicroUsd }) => costMicroUsd > 0)
    ? costs.reduce((widest, one) => Math.max(widest, one))
    : null
  const money = cost === null ? 0 : cost + GAP
  const rest = width - (TOKENS + CALLS + RAW + CACHE_READ + 5 * GAP + money)
  const longest = sums.reduce((most, sum) => Math.max(most, nameOf(sum).length), 0)
  const most = Math.floor(rest * 0.6)
  const name = by === "day" ? DAY : Math.min(Math.max(longest, NAME_LEAST), most)
  return { name, bar: rest - name, cost, colour: view.colour }
}

const nameOf = ({ name }: HistorySum): string => name ?? "(unknown)"

const head = (by: Grouping, { name, bar: width, cost, colour }: Layout): string => {
  const title = (text: string, cell: number, align: "left" | "right"): Cell => ({
    text,
    width: cell,
    align,
    style: "dim",
  })
  return columns(
    [
      title(by.toUpperCase(), name, "left"),
      title("", width, "left"),
      title("TOKENS", TOKENS, "right"),
      title("CALLS", CALLS, "right"),
      title("RAW", RAW, "right"),
      title("CACHE READ", CACHE_READ, "right"),
      ...(cost === null ? [] : [title(COST, cost, "right")]),
    ],
    colour,
  )
}

const line = (sum: HistorySum, most: number, layout: Layout): string => {
  const { filled, rest } = bar(most === 0 ? 0 : sum.tokens / most, layout.bar)
  const painted = paint(filled, "green", layout.colour) + paint(rest, "dim", layout.colour)
  return row(fitted(nameOf(sum), layout.name), { text: painted }, sum, layout)
}

const total = (sum: HistorySum, layout: Layout): string =>
  row("total", { text: "", width: layout.bar }, sum, layout)

const unpricedNote = ({ unpricedCalls }: HistorySum, { cost, colour }: Layout) =>
  cost === null || unpricedCalls === 0
    ? []
    : [paint(`≥ and –: ${counted(unpricedCalls, "call")} without a known price`, "dim", colour)]

const row = (name: string, middle: Cell, sum: HistorySum, layout: Layout) =>
  columns(
    [
      { text: name, width: layout.name },
      middle,
      { text: shortFigure(sum.tokens), width: TOKENS, align: "right" },
      { text: wholeFigure(sum.calls), width: CALLS, align: "right" },
      { text: shortFigure(sum.rawTokens), width: RAW, align: "right" },
      { text: shortFigure(sum.cacheReadTokens), width: CACHE_READ, align: "right" },
      ...(layout.cost === null
        ? []
        : [{ text: knownDollars(sum), width: layout.cost, align: "right" } as const]),
    ],
    layout.colour,
  )
