/** Prices as whole numbers of a unit so small that no price list rounds: no float is ever added. */

import type { MicroUsd } from "../../machines/vocabulary.ts"
import { plainDigits } from "../config/decimal.ts"

/**
 * 10⁻²⁴ micro-dollars for one token (or one search, one call). A list's "dollars per million
 * tokens" are micro-dollars per token, so its digits are taken as they are written.
 */
export type Rate = bigint

const PLACES = 24
const ONE = 10n ** BigInt(PLACES)
/** `CallPrice` counts in 10⁻¹² dollars, which are 10⁻⁶ micro-dollars. */
const PICO_USD = ONE / 1_000_000n

/** The rate that a decimal number ≥ 0 writes, in micro-dollars; never less than it. */
export const rateOf = (microUsd: number): Rate => {
  const [whole = "0", fraction = ""] = plainDigits(microUsd).split(".")
  const kept = BigInt(whole + fraction.slice(0, PLACES).padEnd(PLACES, "0"))
  return /[1-9]/.test(fraction.slice(PLACES)) ? kept + 1n : kept
}

const roundedUp = (rate: Rate, unit: bigint): number => {
  const whole = (rate + unit - 1n) / unit
  return whole > MAX ? Number.MAX_SAFE_INTEGER : Number(whole)
}

const MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** Rounded up to a whole micro-dollar; past 2^53 it saturates, as all amounts do. */
export const microUsdOf = (sum: Rate): MicroUsd => roundedUp(sum, ONE)

export const picoUsdOf = (rate: Rate): number => roundedUp(rate, PICO_USD)

export const dearest = (rates: readonly Rate[]): Rate =>
  rates.reduce((most, rate) => (rate > most ? rate : most), 0n)
