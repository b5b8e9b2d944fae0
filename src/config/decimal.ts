/** Decimal numbers as text, compared digit by digit: no rounding decides what is accepted. */

/** A number that was written down but is no exact JavaScript number; `text` as it was written. */
export class InexactNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/** A finite number ≥ 0 in plain digits, never with an exponent: `1e-7` is `0.0000001`. */
export const plainDigits = (value: number): string => {
  const [mantissa = "", exponentText] = String(value).split("e")
  if (exponentText === undefined) return mantissa
  const [whole = "", fraction = ""] = mantissa.split(".")
  const digits = whole + fraction
  const point = whole.length + Number(exponentText)
  if (point <= 0) return `0.${"0".repeat(-point)}${digits}`
  return digits.padEnd(point, "0")
}

/** The same amount in its shortest digits: `007.50` is `7.5`. */
const shortest = (whole: string, fraction: string): string => {
  const integer = whole.replace(/^0+(?=\d)/, "")
  const rest = fraction.replace(/0+$/, "")
  return rest === "" ? integer : `${integer}.${rest}`
}

/**
 * The number that `text` writes, times 10^`shift`; null when it writes none, or none exactly.
 *
 * Digits with an optional fraction, and underscores between digits: `10_000_000`, `0.25`.
 */
export const readDecimal = (text: string, shift = 0): number | null => {
  const match = /^(\d+(?:_\d+)*)(?:\.(\d+))?$/.exec(text.trim())
  if (match === null) return null
  const whole = (match[1] ?? "").replaceAll("_", "")
  const fraction = (match[2] ?? "").padEnd(shift, "0")
  const exact = shortest(whole + fraction.slice(0, shift), fraction.slice(shift))
  const value = Number(exact)
  return plainDigits(value) === exact ? value : null
}

/** False when `written` is plain digits which `value` only approximates. */
export const isExactly = (value: number, written: string): boolean => {
  const match = /^[-+]?(\d*)(?:\.(\d*))?$/.exec(written)
  if (match === null) return true
  return plainDigits(Math.abs(value)) === shortest(match[1] || "0", match[2] ?? "")
}

/** Whether a number ≥ 0 is written with at most `places` digits after the point. */
export const hasPlaces = (value: number, places: number): boolean =>
  (plainDigits(value).split(".")[1] ?? "").length <= places
