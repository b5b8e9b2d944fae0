/** Random numbers that can be had again: `LEDGER_SEED` takes the seed that a failure names. */
export interface SeededRandom {
  /** For messages. */
  readonly seed: string
  /** A whole number, 0 ≤ n < limit. */
  readonly below: (limit: number) => number
}

export const seededRandom = (fallback = 20_260_101): SeededRandom => {
  const seed = Number(process.env.LEDGER_SEED ?? fallback)
  let state = seed >>> 0
  const next = (): number => {
    // mulberry32
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return { seed: `LEDGER_SEED=${seed}`, below: (limit) => Math.floor(next() * limit) }
}
