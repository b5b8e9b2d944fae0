/** Figures for people: three digits are enough to judge by. */

const UNITS = ["", "k", "M", "G", "T", "P"] as const

/** `942`, `85.2k`, `198k`, `1.00M`, `10.0M`. */
export const shortFigure = (figure: number): string => scaled(figure, 0)

const scaled = (figure: number, unit: number): string => {
  const suffix = UNITS[unit] ?? ""
  if (unit === 0 && figure < 1_000) return String(figure)
  const digits = figure < 9.995 ? 2 : figure < 99.95 ? 1 : 0
  // What would be shown as 1000k is 1.00M.
  return figure < 999.5 || unit === UNITS.length - 1
    ? figure.toFixed(digits) + suffix
    : scaled(figure / 1_000, unit + 1)
}

/** `1,443`. */
export const wholeFigure = (figure: number): string => figure.toLocaleString("en-US")

/** Rounded down: what is nearly reached is not shown as reached. */
export const wholePercent = (percent: number): string => `${wholeFigure(Math.floor(percent))}%`

/** `1 agent`, `43 agents`. */
export const counted = (count: number, noun: string): string =>
  `${wholeFigure(count)} ${noun}${count === 1 ? "" : "s"}`

/** `0 B`, `312 MB`, `1.02 GB`. */
export const byteFigure = (bytes: number): string => {
  const [, figure = "0", unit = ""] = /^([\d.]+)(\D?)$/.exec(shortFigure(bytes)) ?? []
  return `${figure} ${unit}B`
}

const MICRO_PER_DOLLAR = 1_000_000

/** `$5.00`, `$0.0031`: of less than a cent, enough digits to see it. */
export const dollars = (microUsd: number): string =>
  `$${(microUsd / MICRO_PER_DOLLAR).toFixed(microUsd === 0 || microUsd >= 10_000 ? 2 : 4)}`

/** `≥$1.20` where calls without a known price come on top, `–` where there are only those. */
export const knownDollars = (cost: {
  readonly costMicroUsd: number
  readonly unpricedCalls: number
}): string => {
  if (cost.unpricedCalls === 0) return dollars(cost.costMicroUsd)
  return cost.costMicroUsd === 0 ? "–" : `≥${dollars(cost.costMicroUsd)}`
}
