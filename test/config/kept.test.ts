import * as Result from "effect/Result"
import { describe, expect, test } from "vitest"
import type { KeptValues } from "../../machines/budget/settings.ts"
import { changes, decodeKept, inForceOver, keeping } from "../../src/config/kept.ts"
import { writeText } from "../../src/config/kinds.ts"
import { settingsOf } from "../../src/config/settings-table.ts"

const decoded = (word: string, text: string | null) => Result.getOrThrow(decodeKept(word, text))

const messageOf = (word: string, text: string | null): string => {
  const result = decodeKept(word, text)
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

describe.each(settingsOf("budget").map((setting) => [setting.key, setting] as const))(
  "%s",
  (key, { flag, switches, default: value }) => {
    const kebab = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

    test("is called by its key, the key in kebab case, and its flag where that takes a value", () => {
      const words = switches.length === 0 ? [key, kebab, flag] : [key, kebab]
      for (const word of words) {
        expect(decoded(word, writeText(value))).toEqual({ key, value })
        expect(decoded(word, null)).toEqual({ key, value: undefined })
      }
      // A flag that is the setting's own name in kebab case can mean nothing else.
      for (const each of switches.filter(({ flag: name }) => name !== kebab))
        expect(messageOf(each.flag, "true")).toBe(
          `command line: ${each.flag}: found a flag that takes no value, expected its setting: ${key} true, or ${key} false`,
        )
    })
  },
)

test.each([
  ["graceSecond", "5", "graceSecond: found an unknown key, expected a known one: did you mean"],
  ["grace-second", null, "did you mean graceSeconds?"],
  ["__proto__", "5", "__proto__: found an unknown key, expected one of dailyTokenLimit"],
  ["ledger", "x", "ledger: found a key that is not the budget's, expected it elsewhere: --ledger"],
  ["idle", "5", "idle: found a key that is not the budget's"],
  ["grace-seconds", "soon", "graceSeconds: found soon, expected a number of seconds from 0 to"],
  ["timeZone", "Berlin", "did you mean Europe/Berlin?"],
  ["tokenWeights", "cached=1", "tokenWeights cached: found an unknown key"],
])("%s %s is refused in words", (word, text, message) => {
  expect(messageOf(word, text)).toContain(message)
  expect(messageOf(word, text)).toMatch(/^command line: /)
})

test("keeping replaces one value, taking back removes it, and the others stay", () => {
  const kept: KeptValues = { graceSeconds: 1, tokenWeights: { input: 2 } }
  const weights = decoded("token-weights", "output=3")
  expect(keeping(kept, weights)).toEqual({ graceSeconds: 1, tokenWeights: { output: 3 } })
  expect(keeping(kept, decoded("graceSeconds", null))).toEqual({ tokenWeights: { input: 2 } })
  expect(keeping(kept, decoded("timeZone", null))).toEqual(kept)
  expect(changes(kept, decoded("graceSeconds", null))).toBe(true)
  expect(changes(kept, decoded("timeZone", null))).toBe(false)
  expect(changes(kept, weights)).toBe(true)
})

test("what is kept lies between a plan and the file, a weight at a time", () => {
  const kept = { graceSeconds: 2, dailyTokenLimit: null, tokenWeights: { input: 2, output: 2 } }
  const { settings, origins } = Result.getOrThrow(
    inForceOver(
      {
        plan: { name: "plan.yaml", value: { graceSeconds: 1, tokenWeights: { input: 1.5 } } },
        file: { name: "stint.yaml", value: { dailyTokenLimit: 5, tokenWeights: { cacheRead: 3 } } },
      },
      kept,
    ),
  )
  expect(settings).toMatchObject({ graceSeconds: 1, dailyTokenLimit: null })
  expect(settings.tokenWeights).toEqual({ input: 1.5, output: 2, cacheWrite: 1, cacheRead: 3 })
  expect(origins.dailyTokenLimit).toEqual({ from: "ledger", name: "stint budget set" })
  expect(origins.graceSeconds).toEqual({ from: "plan", name: "plan.yaml" })
})
