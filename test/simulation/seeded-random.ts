/** Chance that can be had again: the same seed, the same choices. */
export class SeededRandom {
  private state: number

  constructor(seed: number) {
    this.state = seed >>> 0
  }

  /** A whole number `0 ≤ n < below` (mulberry32). */
  below(below: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  pick<A>(from: readonly [A, ...A[]]): A {
    return from[this.below(from.length)] ?? from[0]
  }

  /** Undefined of nothing. */
  oneOf<A>(from: readonly A[]): A | undefined {
    return from[this.below(Math.max(1, from.length))]
  }

  /** By weight. */
  choose<A>(from: readonly (readonly [weight: number, choice: A])[]): A | undefined {
    let left = this.below(from.reduce((sum, [weight]) => sum + weight, 0))
    for (const [weight, choice] of from) {
      if (left < weight) return choice
      left -= weight
    }
    return undefined
  }
}
