/**
 * The kinds of values a setting can have: what is accepted, in words and as a schema, and how
 * the kind is written as text on the command line and in the environment.
 */
import * as Schema from "effect/Schema"
import type { TokenWeights } from "../../machines/budget/settings.ts"
import { hasPlaces, InexactNumber, plainDigits, readDecimal } from "./decimal.ts"
import { nearest } from "./nearest.ts"

export interface Kind<S extends Schema.Top = Schema.Top> {
  readonly schema: S
  /** What is accepted in a file or by the library, to follow "expected". */
  readonly allowed: string
  /** The same on the command line and in the environment. */
  readonly allowedText: string
  /** Stands for the value in `--help`. */
  readonly placeholder: string
  /** The value that `text` writes; what cannot be read becomes something the schema refuses. */
  readonly read: (text: string) => unknown
  readonly nullable: boolean
  /** The value that a mistaken text most likely stands for, or null. */
  readonly suggest: (text: string) => string | null
  /** Set for a map: the names in it, and what is accepted under each. */
  readonly parts: { readonly names: readonly string[]; readonly allowed: string } | null
}

const kind = <S extends Schema.Top>(
  given: Pick<Kind<S>, "schema" | "allowed" | "placeholder" | "read"> & Partial<Kind<S>>,
): Kind<S> => ({
  allowedText: given.allowed,
  nullable: false,
  suggest: () => null,
  parts: null,
  ...given,
})

const numberOf = (text: string, shift = 0): number | InexactNumber =>
  readDecimal(text, shift) ?? new InexactNumber(text)

/** Refuses NaN, infinities and -0, which would come back from JSON as something else. */
const numbersTo = (max: number) =>
  Schema.Finite.check(
    Schema.makeFilter((value: number) => value >= 0 && value <= max && !Object.is(value, -0)),
  )

const wholeNumbers = (min: number, max: number) =>
  Schema.Int.check(
    Schema.makeFilter((value: number) => value >= min && value <= max && !Object.is(value, -0)),
  )

export const wholeNumber = (min: number, max: number, placeholder = "N") =>
  kind({
    schema: wholeNumbers(min, max),
    allowed: `a whole number from ${min} to ${max}`,
    placeholder,
    read: (text) => numberOf(text),
  })

/** `10k` and `1.5M` are thousands and millions, so that a day's tokens can be read at a glance. */
const readTokens = (text: string): unknown => {
  const match = /^(.*[\d])([kM])$/.exec(text.trim())
  if (match === null) return numberOf(text)
  return readDecimal(match[1] ?? "", match[2] === "k" ? 3 : 6) ?? new InexactNumber(text)
}

export const tokens = kind({
  ...wholeNumber(0, Number.MAX_SAFE_INTEGER),
  placeholder: "TOKENS",
  read: readTokens,
})

/** A span of time; `max` keeps every deadline an instant that a calendar can still show. */
export const span = (unit: "minutes" | "seconds", max: number) =>
  kind({
    schema: numbersTo(max),
    allowed: `a number of ${unit} from 0 to ${max}`,
    placeholder: unit.toUpperCase(),
    read: (text) => numberOf(text),
  })

export const microUsd = kind({
  ...wholeNumber(0, Number.MAX_SAFE_INTEGER),
  allowed: `a whole number of micro-dollars from 0 to ${Number.MAX_SAFE_INTEGER}`,
  allowedText:
    "money from 0, down to a millionth of a dollar (a flag: dollars such as 5.00; elsewhere: whole micro-dollars)",
  placeholder: "USD",
})

/** `5.00` dollars are 5,000,000 micro-dollars. */
export const readDollars = (text: string): unknown =>
  text.trim() === "unlimited" ? null : numberOf(text.trim().replace(/^\$/, ""), 6)

export const switched = kind({
  schema: Schema.Boolean,
  allowed: "true or false",
  placeholder: "true|false",
  read: (text) => (text.trim() === "true" ? true : text.trim() === "false" ? false : text),
})

const WEIGHT_MAX = 1_000_000
const WEIGHT_PLACES = 3

const Weight = numbersTo(WEIGHT_MAX).check(
  Schema.makeFilter((value: number) => hasPlaces(value, WEIGHT_PLACES)),
)
const WEIGHT = `a decimal from 0 to ${WEIGHT_MAX} with at most three places`
const WEIGHT_NAMES: readonly (keyof TokenWeights)[] = ["input", "output", "cacheWrite", "cacheRead"]

/** `input=1,cacheRead=0.1`; a name given twice is a mistake, not a choice. */
const readMap = (text: string): unknown => {
  const read: [string, unknown][] = []
  for (const part of text.split(",")) {
    const [, name, value] = /^\s*(\w+)\s*=(.*)$/.exec(part) ?? []
    if (name === undefined || value === undefined) return text
    if (read.some(([known]) => known === name)) return text
    read.push([name, numberOf(value)])
  }
  return Object.fromEntries(read)
}

export const weights = kind({
  schema: Schema.Struct({
    input: Schema.optionalKey(Weight),
    output: Schema.optionalKey(Weight),
    cacheWrite: Schema.optionalKey(Weight),
    cacheRead: Schema.optionalKey(Weight),
  }),
  allowed: `a map such as {input: 1, cacheRead: 0.1}: for each of ${WEIGHT_NAMES.join(", ")} ${WEIGHT}`,
  allowedText: `a map such as input=1,cacheRead=0.1: for each of ${WEIGHT_NAMES.join(", ")}, once, ${WEIGHT}`,
  placeholder: "MAP",
  read: readMap,
  parts: { names: WEIGHT_NAMES, allowed: WEIGHT },
})

const PERCENT_MAX = 1000
const PERCENT_PLACES = 2

const Percent = numbersTo(PERCENT_MAX).check(
  Schema.makeFilter((value: number) => value > 0 && hasPlaces(value, PERCENT_PLACES)),
)
const PERCENTS = `three ascending percentages above 0 up to ${PERCENT_MAX}, with at most two places`

export const thresholds = kind({
  schema: Schema.Tuple([Percent, Percent, Percent]).check(
    Schema.makeFilter(
      ([first, second, third]: readonly [number, number, number]) =>
        first < second && second < third,
    ),
  ),
  allowed: `${PERCENTS}, such as [80, 95, 100]`,
  allowedText: `${PERCENTS}, such as 80,95,100`,
  placeholder: "LIST",
  read: (text) => text.split(",").map((part) => numberOf(part)),
})

const isTimeZone = (name: string): boolean => {
  // The default is known without time-zone data, whose first use takes long.
  if (name === "UTC") return true
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }))
  } catch {
    return false
  }
}

/** `Berlin` and `Europe/Berln` both mean Europe/Berlin. */
const nearestZone = (text: string): string | null => {
  const zones = Intl.supportedValuesOf("timeZone")
  const city = text.trim().replaceAll(" ", "_").toLowerCase()
  const named = zones.find((zone) => zone.toLowerCase().endsWith(`/${city}`))
  return named ?? nearest(text, zones)
}

export const timeZone = kind({
  schema: Schema.NonEmptyString.check(Schema.makeFilter(isTimeZone)),
  allowed: "the IANA name of a time zone, such as UTC or Europe/Berlin",
  placeholder: "ZONE",
  read: (text) => text,
  suggest: nearestZone,
})

export const path = kind({
  schema: Schema.String.check(
    Schema.makeFilter((text: string) => text.trim() !== "" && !text.includes("\0")),
  ),
  allowed: "the path of a file",
  placeholder: "PATH",
  read: (text) => text,
})

/** The same kind, and null for unlimited: `unlimited` as text. */
export const unlimitedOr = <S extends Schema.Top>(limited: Kind<S>) =>
  kind({
    ...limited,
    schema: Schema.NullOr(limited.schema),
    allowed: `${limited.allowed}, or null for unlimited`,
    allowedText: `${limited.allowedText}, or unlimited`,
    read: (text) => (text.trim() === "unlimited" ? null : limited.read(text)),
    nullable: true,
  })

/** A value as text that its kind reads back as the same value. */
export const writeText = (value: unknown): string => {
  if (value === null) return "unlimited"
  if (typeof value === "number") return plainDigits(value)
  if (Array.isArray(value)) return value.map(writeText).join(",")
  if (typeof value !== "object") return String(value)
  return Object.entries(value)
    .map(([name, part]) => `${name}=${writeText(part)}`)
    .join(",")
}
