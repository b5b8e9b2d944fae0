import * as Result from "effect/Result"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { hasPlaces, isExactly, plainDigits, readDecimal } from "../../src/config/decimal.ts"
import { decodeTexts, decodeValues, resultOf } from "../../src/config/decode.ts"
import { microUsd, readDollars, writeText } from "../../src/config/kinds.ts"
import type { SettingKey } from "../../src/config/settings-table.ts"
import { SETTING_LIST } from "../../src/config/settings-table.ts"
import { sourceOfTexts } from "../../src/config/source.ts"

const decodeText = (key: SettingKey, text: string) => {
  const texts = new Map([[key, text]])
  return resultOf(
    decodeTexts(
      texts,
      sourceOfTexts("text", (setting) => setting.key, texts),
    ),
  )
}

const messageOf = (key: SettingKey, text: string): string => {
  const decoded = decodeText(key, text)
  return Result.isFailure(decoded) ? decoded.failure.message : "accepted"
}

const cases: readonly (readonly [SettingKey, string, unknown])[] = [
  ["dailyTokenLimit", "10000000", 10_000_000],
  ["dailyTokenLimit", "10_000_000", 10_000_000],
  ["dailyTokenLimit", "10M", 10_000_000],
  ["dailyTokenLimit", "0.001M", 1000],
  ["dailyTokenLimit", "500k", 500_000],
  ["dailyTokenLimit", "1.5k", 1500],
  ["dailyTokenLimit", "9007199254740991", 9007199254740991],
  ["dailyTokenLimit", "007", 7],
  ["dailyTokenLimit", "5.000", 5],
  ["dailyTokenLimit", " 5 ", 5],
  ["dailyTokenLimit", "unlimited", null],
  ["maxConcurrentAgents", "unlimited", null],
  ["maxTaskDurationMinutes", "0.5", 0.5],
  ["enforceHardLimits", "true", true],
  ["enforceHardLimits", "false", false],
  ["tokenWeights", "cacheRead=0.1", { cacheRead: 0.1 }],
  ["tokenWeights", "input=1, output=5 ,cacheWrite=1.25", { input: 1, output: 5, cacheWrite: 1.25 }],
  ["thresholds", "80,95,100", [80, 95, 100]],
  ["thresholds", "80.25, 95, 100", [80.25, 95, 100]],
  ["timeZone", "Europe/Berlin", "Europe/Berlin"],
  ["ledger", "a folder/with, commas=yes.db", "a folder/with, commas=yes.db"],
]

const TOKENS = "a whole number from 0 to 9007199254740991, or unlimited"
const SECONDS = "a number of seconds from 0 to 86400"
const WEIGHT = "a decimal from 0 to 1000000 with at most three places"
const WEIGHTS = `a map such as input=1,cacheRead=0.1: for each of input, output, cacheWrite, cacheRead, once, ${WEIGHT}`
const THRESHOLDS =
  "three ascending percentages above 0 up to 1000, with at most two places, such as 80,95,100"

const wrong: readonly (readonly [SettingKey, string, string])[] = [
  ...["-5", "+5", "5.5", ".5", "5.", "1e6", "0x10", "NaN", "Infinity", "10,000"].map(
    (text) => ["dailyTokenLimit", text, `found ${text}, expected ${TOKENS}`] as const,
  ),
  ...[
    "9007199254740992",
    "9007199254740993",
    "5.00000000000000000001",
    "1_",
    "1__0",
    "k",
    "9".repeat(70),
  ].map((text) => ["dailyTokenLimit", text, `found ${text}, expected ${TOKENS}`] as const),
  ...["10m", "10K", "10G", "10kM", "0.0005k", "null", "none", "Unlimited"].map(
    (text) => ["dailyTokenLimit", text, `found ${text}, expected ${TOKENS}`] as const,
  ),
  ["dailyTokenLimit", "10 M", `found "10 M", expected ${TOKENS}`],
  ["dailyTokenLimit", "", `found "", expected ${TOKENS}`],
  ["dailyTokenLimit", "\u0665", `found "\u0665", expected ${TOKENS}`],
  ["maxConcurrentAgents", "1k", `found 1k, expected ${TOKENS}`],
  ["graceSeconds", "unlimited", `found unlimited, expected ${SECONDS}`],
  ["graceSeconds", "0.10000000000000001", `found 0.10000000000000001, expected ${SECONDS}`],
  ["graceSeconds", "5s", `found 5s, expected ${SECONDS}`],
  ["enforceHardLimits", "yes", "found yes, expected true or false"],
  ["enforceHardLimits", "constructor", "found constructor, expected true or false"],
  ["tokenWeights", "1,1,1,0", `found 1,1,1,0, expected ${WEIGHTS}`],
  ["tokenWeights", "input=1,input=2", `found input=1,input=2, expected ${WEIGHTS}`],
  ["tokenWeights", "input=1,", `found input=1,, expected ${WEIGHTS}`],
  ["thresholds", "80,95", `found 80,95, expected ${THRESHOLDS}`],
  ["thresholds", "80;95;100", `found "80;95;100", expected ${THRESHOLDS}`],
  ["thresholds", "80,95,100.001", `found 80,95,100.001, expected ${THRESHOLDS}`],
  ["ledger", " ", `found " ", expected the path of a file`],
  ["ledger", "a\0b", `found "a\\u0000b", expected the path of a file`],
  ["retentionDays", "1", "found 1, expected a whole number from 2 to 36500"],
  ["idleMinutes", "-1", "found -1, expected a number of minutes from 0 to 52560000"],
]

describe("values written as text", () => {
  test.each(cases)("%s: %s is read", (key, text, value) => {
    expect(Result.getOrThrow(decodeText(key, text))).toEqual({ [key]: value })
  })

  test.each(wrong)("%s: %j is refused as it was written", (key, text, message) => {
    expect(messageOf(key, text)).toBe(`text: ${key}: ${message}`)
  })

  test.each([
    ["input=0.0005", `input: found 0.0005, expected ${WEIGHT}`],
    ["input=-1", `input: found -1, expected ${WEIGHT}`],
    ["input=1.0010000000000000001", `input: found 1.0010000000000000001, expected ${WEIGHT}`],
    ["input=", `input: found "", expected ${WEIGHT}`],
    ["inputs=1", "inputs: found an unknown key, expected a known one: did you mean input?"],
    [
      "__proto__=1",
      "__proto__: found an unknown key, expected one of input, output, cacheWrite, cacheRead",
    ],
  ])("weights are named by their kind: %s", (text, message) => {
    expect(messageOf("tokenWeights", text)).toBe(`text: tokenWeights ${message}`)
  })

  test.each([
    ["5.00", 5_000_000],
    ["0.000001", 1],
    ["$12.5", 12_500_000],
    ["unlimited", null],
  ])("%s dollars are micro-dollars exactly", (text, value) => {
    expect(readDollars(text)).toBe(value)
  })

  test("micro-dollars are whole", () => {
    expect(readDollars("0.0000015")).toBe(1.5)
    expect(microUsd.allowed).toBe("a whole number of micro-dollars from 0 to 9007199254740991")
  })
})

describe("decimals", () => {
  test.each([
    [1e-7, "0.0000001"],
    [1.5e-7, "0.00000015"],
    [1e21, "1000000000000000000000"],
    [1.25e22, "12500000000000000000000"],
    [0.1, "0.1"],
    [0, "0"],
  ])("%d in plain digits is %s", (value, digits) => {
    expect(plainDigits(value)).toBe(digits)
    expect(readDecimal(digits)).toBe(value)
  })

  test("places are counted in the digits, not by arithmetic", () => {
    expect(hasPlaces(1.005, 3)).toBe(true)
    expect(hasPlaces(0.0005, 3)).toBe(false)
    expect(hasPlaces(0.1 + 0.2, 3)).toBe(false)
    expect(hasPlaces(1e-7, 3)).toBe(false)
  })

  test.each([
    [0.1, "0.10000000000000001", false],
    [2 ** 53, "9007199254740993", false],
    [0.5, ".5", true],
    [5, "+005.", true],
    [-5, "-5.0", true],
    [1e6, "1e6", true],
    [16, "0x10", true],
  ])("%d is exactly %s: %s", (value, written, exact) => {
    expect(isExactly(value, written)).toBe(exact)
  })

  test("every finite number ≥ 0 comes back from its digits", () => {
    const numbers = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true })
    fc.assert(
      fc.property(numbers, (value) => {
        expect(readDecimal(plainDigits(value))).toBe(value + 0)
      }),
      { numRuns: 2000 },
    )
  })
})

describe("any accepted value comes back", () => {
  const amount = fc.oneof(fc.constantFrom(0, 1, 2 ** 31, 2 ** 53 - 2, 2 ** 53 - 1), fc.maxSafeNat())
  const positive = (max: number) =>
    fc.oneof(
      fc.constantFrom(0, 5e-324, 1e-7, max),
      fc.double({ min: 0, max, noNaN: true }).map((value) => value + 0),
    )
  const hundredths = fc.uniqueArray(fc.integer({ min: 1, max: 100_000 }), {
    minLength: 3,
    maxLength: 3,
  })
  const weight = fc.integer({ min: 0, max: 1_000_000_000 }).map((n) => n / 1000)
  const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values)

  const accepted: Readonly<Record<SettingKey, fc.Arbitrary<unknown>>> = {
    dailyTokenLimit: orNull(amount),
    perAgentTokenLimit: orNull(amount),
    maxConcurrentAgents: orNull(amount),
    maxTaskDurationMinutes: orNull(positive(52_560_000)),
    enforceHardLimits: fc.boolean(),
    tokenWeights: fc
      .record(
        { input: weight, output: weight, cacheWrite: weight, cacheRead: weight },
        { requiredKeys: [] },
      )
      .filter((weights) => Object.keys(weights).length > 0)
      .map((weights) => ({ ...weights })),
    thresholds: hundredths.map((list) => list.sort((a, b) => a - b).map((n) => n / 100)),
    graceSeconds: positive(86_400),
    holdTimeoutMinutes: positive(52_560_000),
    timeZone: fc.constantFrom("UTC", ...Intl.supportedValuesOf("timeZone")),
    dailyCostLimitMicroUsd: orNull(amount),
    perAgentCostLimitMicroUsd: orNull(amount),
    reserveForWrapUp: amount,
    allowUnbounded: fc.boolean(),
    allowUnpriced: fc.boolean(),
    minAnswerTokens: fc.integer({ min: 1, max: 10_000_000 }),
    defaultOutputTokens: fc.integer({ min: 1, max: 10_000_000 }),
    wrapUpNote: fc.boolean(),
    ledger: fc
      .string({ minLength: 1 })
      .filter((text) => text.trim() !== "" && !text.includes("\0")),
    retentionDays: fc.integer({ min: 2, max: 36_500 }),
    idleMinutes: positive(52_560_000),
  }

  test.each(SETTING_LIST.map(({ key }) => key))("%s: as data, and written as text", (key) => {
    fc.assert(
      fc.property(accepted[key], (value) => {
        const patch = Result.getOrThrow(
          resultOf(decodeValues({ name: "x", value: { [key]: value } })),
        )
        expect(patch).toEqual({ [key]: value })
        expect(Result.getOrThrow(decodeText(key, writeText(value)))).toEqual(patch)
        const again = JSON.parse(JSON.stringify(patch))
        expect(resultOf(decodeValues({ name: "x", value: again }))).toEqual(Result.succeed(patch))
      }),
    )
  })

  test("any number at all is either accepted as it is or refused by name", () => {
    const numbers = fc.oneof(
      fc.double(),
      fc.integer(),
      fc.constantFrom(-0, 2 ** 53, -1, Number.MIN_VALUE, Number.MAX_VALUE),
    )
    const numeric = SETTING_LIST.filter(({ kind }) => !Number.isNaN(Number(kind.read("2"))))
    fc.assert(
      fc.property(numbers, fc.constantFrom(...numeric), (value, { key }) => {
        const decoded = resultOf(decodeValues({ name: "x", value: { [key]: value } }))
        if (Result.isSuccess(decoded)) expect(decoded.success).toStrictEqual({ [key]: value })
        else
          expect(decoded.failure.message).toMatch(new RegExp(`^x: ${key}: found \\S+, expected `))
      }),
      { numRuns: 1000 },
    )
  })
})
