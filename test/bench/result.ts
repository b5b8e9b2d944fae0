/** What every bench returns: figures, and for a ratio the target it is held to. */
export interface BenchResult {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** A ratio's bound; absent for plain figures. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number }
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}

/** Operations per second of one run. */
export const rateOf = (operations: number, work: () => void): number => {
  const started = performance.now()
  work()
  return operations / ((performance.now() - started) / 1000)
}

/** Runs both in turn, A B A B …, and returns the medians and the median of the pairwise ratios. */
export const interleaved = (
  rounds: number,
  a: () => number,
  b: () => number,
): { readonly a: number; readonly b: number; readonly ratio: number } => {
  const pairs = Array.from({ length: rounds }, () => [a(), b()] as const)
  return {
    a: median(pairs.map(([first]) => first)),
    b: median(pairs.map(([, second]) => second)),
    ratio: median(pairs.map(([first, second]) => first / second)),
  }
}

export const meets = ({ value, target }: BenchResult): boolean => {
  if (target === undefined) return true
  return "atLeast" in target ? value >= target.atLeast : value <= target.atMost
}
