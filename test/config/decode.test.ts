import * as Result from "effect/Result"
import { describe, expect, test } from "vitest"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { decodeBudget, decodeBudgetOptions, decodeBudgetText } from "../../src/config/decode.ts"
import { SETTING_LIST, settingsOf } from "../../src/config/settings-table.ts"

const MAX = 9007199254740991
const TOKENS = `a whole number from 0 to ${MAX}, or null for unlimited`
const MINUTES_OR_NULL = "a number of minutes from 0 to 52560000, or null for unlimited"
const MINUTES = "a number of minutes from 0 to 52560000"
const SECONDS = "a number of seconds from 0 to 86400"
const WEIGHT = "a decimal from 0 to 1000000 with at most three places"
const WEIGHTS = `a map such as {input: 1, cacheRead: 0.1}: for each of input, output, cacheWrite, cacheRead ${WEIGHT}`
const THRESHOLDS =
  "three ascending percentages above 0 up to 1000, with at most two places, such as [80, 95, 100]"
const ZONE = "the IANA name of a time zone, such as UTC or Europe/Berlin"
const COST = `a whole number of micro-dollars from 0 to ${MAX}, or null for unlimited`
const RESERVE = `a whole number from 0 to ${MAX}`

const messageOf = (value: unknown): string | null => {
  const decoded = decodeBudget(value, "stint.yaml")
  return Result.isFailure(decoded) ? decoded.failure.message : null
}

type Case = readonly [key: string, value: unknown, found: string, allowed: string]

const wrongNumbers = (key: string, allowed: string): Case[] => [
  [key, -5, "-5", allowed],
  [key, -0, "-0", allowed],
  [key, Number.NaN, "NaN", allowed],
  [key, Number.POSITIVE_INFINITY, "Infinity", allowed],
  [key, Number.NEGATIVE_INFINITY, "-Infinity", allowed],
  [key, 2 ** 53, "9007199254740992", allowed],
  [key, 5n, "5n", allowed],
  [key, "5", '"5"', `${allowed}; write 5`],
  [key, "lots", '"lots"', allowed],
  [key, true, "true", allowed],
  [key, [5], "[5]", allowed],
  [key, { tokens: 5 }, "{tokens: 5}", allowed],
  [key, () => 5, "a function", allowed],
  [key, new Date(0), "a Date", allowed],
]

const wrong: readonly Case[] = [
  ...["dailyTokenLimit", "perAgentTokenLimit", "maxConcurrentAgents"].flatMap((key): Case[] => [
    ...wrongNumbers(key, TOKENS),
    [key, 1.5, "1.5", TOKENS],
    [key, "unlimited", '"unlimited"', `${TOKENS}; write null`],
    [key, "10_000_000", '"10_000_000"', `${TOKENS}; write 10000000`],
  ]),
  ...wrongNumbers("maxTaskDurationMinutes", MINUTES_OR_NULL),
  ["maxTaskDurationMinutes", 52_560_001, "52560001", MINUTES_OR_NULL],
  ...wrongNumbers("holdTimeoutMinutes", MINUTES),
  ["holdTimeoutMinutes", null, "null", MINUTES],
  ["holdTimeoutMinutes", 52_560_000.5, "52560000.5", MINUTES],
  ...wrongNumbers("graceSeconds", SECONDS),
  ["graceSeconds", null, "null", SECONDS],
  ["graceSeconds", 86_400.5, "86400.5", SECONDS],
  ["enforceHardLimits", null, "null", "true or false"],
  ["enforceHardLimits", 1, "1", "true or false"],
  ["enforceHardLimits", "false", '"false"', "true or false; write false"],
  ["enforceHardLimits", "soft", '"soft"', "true or false"],
  ["tokenWeights", null, "null", WEIGHTS],
  ["tokenWeights", 1, "1", WEIGHTS],
  ["tokenWeights", [1, 1, 1, 0], "[1, 1, 1, 0]", WEIGHTS],
  ["tokenWeights", [], "[]", WEIGHTS],
  ["tokenWeights", "input=2", '"input=2"', `${WEIGHTS}; write {input: 2}`],
  ["thresholds", null, "null", THRESHOLDS],
  ["thresholds", 80, "80", THRESHOLDS],
  ["thresholds", [80, 95], "[80, 95]", THRESHOLDS],
  ["thresholds", [80, 95, 100, 110], "[80, 95, 100, 110]", THRESHOLDS],
  ["thresholds", [0, 95, 100], "[0, 95, 100]", THRESHOLDS],
  ["thresholds", [80, 80, 100], "[80, 80, 100]", THRESHOLDS],
  ["thresholds", [80, 100, 95], "[80, 100, 95]", THRESHOLDS],
  ["thresholds", [80, 95, 95], "[80, 95, 95]", THRESHOLDS],
  ["thresholds", [80, 95, 1000.01], "[80, 95, 1000.01]", THRESHOLDS],
  ["thresholds", [80.005, 95, 100], "[80.005, 95, 100]", THRESHOLDS],
  ["thresholds", [80, Number.NaN, 100], "[80, NaN, 100]", THRESHOLDS],
  ["thresholds", ["80", 95, 100], '["80", 95, 100]', THRESHOLDS],
  ["thresholds", { 0: 80, 1: 95, 2: 100 }, "{0: 80, 1: 95, 2: 100}", THRESHOLDS],
  ["thresholds", "80,95,100", '"80,95,100"', `${THRESHOLDS}; write [80, 95, 100]`],
  ["timeZone", null, "null", ZONE],
  ["timeZone", 1, "1", ZONE],
  ["timeZone", "", '""', ZONE],
  ["timeZone", "Mars/Olympus", '"Mars/Olympus"', ZONE],
  ["timeZone", "Berlin", '"Berlin"', `${ZONE}: did you mean Europe/Berlin?`],
  ["timeZone", "Europe/Berln", '"Europe/Berln"', `${ZONE}: did you mean Europe/Berlin?`],
  ...["dailyCostLimitMicroUsd", "perAgentCostLimitMicroUsd"].flatMap((key): Case[] => [
    ...wrongNumbers(key, COST),
    [key, 0.5, "0.5", COST],
    [key, "$5", '"$5"', COST],
    [key, "unlimited", '"unlimited"', `${COST}; write null`],
  ]),
  ...wrongNumbers("reserveForWrapUp", RESERVE),
  ["reserveForWrapUp", null, "null", RESERVE],
  ["reserveForWrapUp", "20k", '"20k"', `${RESERVE}; write 20000`],
  ["allowUnbounded", null, "null", "true or false"],
  ["allowUnbounded", 1, "1", "true or false"],
  ["allowUnpriced", "true", '"true"', "true or false; write true"],
]

describe("a value that is not allowed", () => {
  test.each(wrong)("%s: %o is refused with the field named", (key, value, found, allowed) => {
    expect(messageOf({ [key]: value })).toBe(
      `stint.yaml: ${key}: found ${found}, expected ${allowed}`,
    )
  })

  test("of every setting of the budget at least one is tried", () => {
    const tried = new Set(wrong.map(([key]) => key))
    expect(settingsOf("budget").filter(({ key }) => !tried.has(key))).toEqual([])
  })

  test.each([
    ["input", -1, "-1"],
    ["output", Number.NaN, "NaN"],
    ["cacheWrite", 1_000_001, "1000001"],
    ["cacheRead", 0.0005, "0.0005"],
    ["cacheRead", 0.1 + 0.2, "0.30000000000000004"],
    ["cacheRead", 1e-7, "1e-7"],
    ["cacheRead", null, "null"],
    ["cacheRead", "0.1", '"0.1"'],
  ])("a weight is named by its kind: %s %o", (name, value, found) => {
    expect(messageOf({ tokenWeights: { [name]: value } })).toBe(
      `stint.yaml: tokenWeights.${name}: found ${found}, expected ${WEIGHT}`,
    )
  })

  test.each([
    [null, "null"],
    [[], "[]"],
    [5, "5"],
    ["dailyTokenLimit", '"dailyTokenLimit"'],
    [new Map([["dailyTokenLimit", 5]]), "a Map"],
  ])("a budget that is no map is refused: %o", (value, found) => {
    expect(messageOf(value)).toBe(`stint.yaml: found ${found}, expected a map of settings`)
  })

  test("a long or deep value is shown on one short line", () => {
    const message = messageOf({
      timeZone: "x".repeat(500),
      dailyTokenLimit: { a: { b: { c: 1 } } },
    })
    expect(message?.split("\n")).toEqual([
      `stint.yaml: timeZone: found "${"x".repeat(79)}…, expected ${ZONE}`,
      `stint.yaml: dailyTokenLimit: found {a: {b: …}}, expected ${TOKENS}`,
    ])
  })
})

describe("an unknown key", () => {
  const allKeys = settingsOf("budget")
    .map(({ key }) => key)
    .join(", ")

  test.each([
    ["dailyTokenLimt", "dailyTokenLimit"],
    ["daily-token-limit", "dailyTokenLimit"],
    ["GRACE_SECONDS", "graceSeconds"],
    ["graceSecond", "graceSeconds"],
    ["timezone", "timeZone"],
    ["treshholds", "thresholds"],
  ])("%s: the nearest one is proposed", (key, near) => {
    expect(messageOf({ [key]: 1 })).toBe(
      `stint.yaml: ${key}: found an unknown key, expected a known one: did you mean ${near}?`,
    )
  })

  test.each(["limit", "budget", "constructor", "toString", "__proto__"])(
    "%s: where none is near, all are listed",
    (key) => {
      expect(messageOf(JSON.parse(`{${JSON.stringify(key)}: null}`))).toBe(
        `stint.yaml: ${key}: found an unknown key, expected one of ${allKeys}`,
      )
    },
  )

  test("inside the weights it is told among their names", () => {
    expect(messageOf({ tokenWeights: { cacheread: 1, reasoning: 1 } })?.split("\n")).toEqual([
      "stint.yaml: tokenWeights.cacheread: found an unknown key, expected a known one: did you mean cacheRead?",
      "stint.yaml: tokenWeights.reasoning: found an unknown key, expected one of input, output, cacheWrite, cacheRead",
    ])
  })

  test("a setting that no budget holds is shown its place", () => {
    expect(messageOf({ ledger: "here.db" })).toBe(
      "stint.yaml: ledger: found a key that is not the budget's, expected it elsewhere: --ledger, STINT_LEDGER or stint.yaml",
    )
  })
})

test("all problems are told at once, a line each, in the order they were written in", () => {
  const decoded = decodeBudget(
    {
      thresholds: [3, 2, 1],
      colour: "red",
      dailyTokenLimit: -5,
      tokenWeights: { output: -1, inputs: 1 },
      graceSeconds: 5,
      perAgentTokenLimit: 0.5,
    },
    "plan.yaml",
  )
  if (Result.isSuccess(decoded)) throw new Error("it was accepted")
  expect(decoded.failure._tag).toBe("ConfigurationError")
  expect(decoded.failure.problems.map(({ key, reason }) => [key, reason])).toEqual([
    ["thresholds", "invalid_value"],
    ["colour", "unknown_key"],
    ["dailyTokenLimit", "invalid_value"],
    ["tokenWeights.inputs", "unknown_key"],
    ["tokenWeights.output", "invalid_value"],
    ["perAgentTokenLimit", "invalid_value"],
  ])
  expect(decoded.failure.message.split("\n")).toHaveLength(6)
  expect(decoded.failure.problems[2]).toEqual({
    reason: "invalid_value",
    source: "plan.yaml",
    line: null,
    key: "dailyTokenLimit",
    found: "-5",
    allowed: TOKENS,
  })
})

describe("what is allowed", () => {
  test.each([
    ["dailyTokenLimit", 0],
    ["dailyTokenLimit", null],
    ["perAgentTokenLimit", MAX],
    ["maxConcurrentAgents", 0],
    ["maxConcurrentAgents", null],
    ["maxTaskDurationMinutes", 0.5],
    ["maxTaskDurationMinutes", 52_560_000],
    ["maxTaskDurationMinutes", null],
    ["graceSeconds", 0],
    ["graceSeconds", 86_400],
    ["holdTimeoutMinutes", 1e-7],
    ["enforceHardLimits", false],
    ["thresholds", [0.01, 99.99, 1000]],
    ["tokenWeights", { input: 1_000_000, output: 0.001, cacheWrite: 1.25, cacheRead: 0 }],
    ["timeZone", "Africa/Cairo"],
  ])("%s: %o", (key, value) => {
    expect(Result.getOrThrow(decodeBudget({ [key]: value }, "stint.yaml"))).toEqual({
      ...DEFAULT_SETTINGS,
      [key]: value,
    })
  })

  test("an empty map is the defaults, without the settings of no budget", () => {
    expect(Result.getOrThrow(decodeBudget({}, "stint.yaml"))).toEqual(DEFAULT_SETTINGS)
    expect(messageOf({ wrapUpNote: true })).toBe(
      "stint.yaml: wrapUpNote: found a key that is not the budget's, expected it elsewhere: --wrap-up-note, STINT_WRAP_UP_NOTE or stint.yaml",
    )
  })

  test("money, the reserve and what is allowed are part of it", () => {
    const own = {
      dailyCostLimitMicroUsd: 0,
      perAgentCostLimitMicroUsd: 5_000_000,
      reserveForWrapUp: 20_000,
      allowUnbounded: true,
      allowUnpriced: true,
    }
    const budget = Result.getOrThrow(decodeBudget(own, "stint.yaml"))
    expect(budget).toEqual({ ...DEFAULT_SETTINGS, ...own })
  })

  test("weights that are not named keep their default", () => {
    const budget = Result.getOrThrow(decodeBudget({ tokenWeights: { cacheRead: 0.1 } }, "x"))
    expect(budget.tokenWeights).toEqual({ input: 1, output: 1, cacheWrite: 1, cacheRead: 0.1 })
  })

  test("every default of the table is itself allowed", () => {
    for (const { key, default: value } of settingsOf("budget"))
      expect(messageOf({ [key]: value })).toBeNull()
  })
})

describe("the library's option", () => {
  test("nothing, and options that are undefined, are the defaults", () => {
    expect(Result.getOrThrow(decodeBudgetOptions(undefined))).toEqual(DEFAULT_SETTINGS)
    const undefinedOnes = { dailyTokenLimit: undefined, tokenWeights: { input: undefined } }
    expect(Result.getOrThrow(decodeBudgetOptions(undefinedOnes))).toEqual(DEFAULT_SETTINGS)
  })

  test("null is no budget", () => {
    expect(() => Result.getOrThrow(decodeBudgetOptions(null))).toThrow(
      "budget option: found null, expected a map of settings",
    )
  })

  test("a change goes over the current settings, weight by weight", () => {
    const current = {
      ...DEFAULT_SETTINGS,
      graceSeconds: 9,
      tokenWeights: { input: 2, output: 5, cacheWrite: 1, cacheRead: 0 },
    }
    const changed = Result.getOrThrow(
      decodeBudgetOptions({ dailyTokenLimit: null, tokenWeights: { input: 3 } }, current),
    )
    expect(changed).toEqual({
      ...current,
      dailyTokenLimit: null,
      tokenWeights: { input: 3, output: 5, cacheWrite: 1, cacheRead: 0 },
    })
  })

  test("mistakes name the option", () => {
    expect(() => Result.getOrThrow(decodeBudgetOptions({ graceSeconds: null }))).toThrow(
      `budget option: graceSeconds: found null, expected ${SECONDS}`,
    )
  })
})

describe("one setting from its text", () => {
  test("is decoded as its key says", () => {
    expect(Result.getOrThrow(decodeBudgetText("dailyTokenLimit", "5M", "budget set"))).toEqual({
      dailyTokenLimit: 5_000_000,
    })
  })

  test.each([
    [
      "dailyTokenLimit",
      "5.5",
      `dailyTokenLimit: found 5.5, expected a whole number from 0 to ${MAX}, or unlimited`,
    ],
    [
      "dailyTokenLimit",
      "null",
      `dailyTokenLimit: found null, expected a whole number from 0 to ${MAX}, or unlimited`,
    ],
    [
      "graceSecond",
      "5",
      "graceSecond: found an unknown key, expected a known one: did you mean graceSeconds?",
    ],
    [
      "retentionDays",
      "5",
      "retentionDays: found a key that is not the budget's, expected it elsewhere: --retention-days, STINT_RETENTION_DAYS or stint.yaml",
    ],
  ])("%s %s is refused", (key, text, message) => {
    expect(() => Result.getOrThrow(decodeBudgetText(key, text, "budget set"))).toThrow(
      `budget set: ${message}`,
    )
  })
})

test("the table and the budget's settings have the same keys", () => {
  expect(settingsOf("budget").map(({ key }) => key)).toEqual(Object.keys(DEFAULT_SETTINGS))
})

test("flags, variables and keys are each unique", () => {
  const flags = SETTING_LIST.flatMap(({ flag, switches }) =>
    switches.length === 0 ? [flag] : switches.map((each) => each.flag),
  )
  expect(new Set(flags).size).toBe(flags.length)
  expect(new Set(SETTING_LIST.map(({ variable }) => variable)).size).toBe(SETTING_LIST.length)
})
