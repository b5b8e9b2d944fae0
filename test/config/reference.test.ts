import { readFile } from "node:fs/promises"
import { parseArgs } from "node:util"
import * as Result from "effect/Result"
import { expect, test } from "vitest"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { renderFlagHelp } from "../../src/config/flag-help.ts"
import { flagOptions } from "../../src/config/flags.ts"
import { renderSettingsReference } from "../../src/config/reference.ts"
import { resolveSettings } from "../../src/config/resolve.ts"
import { SETTING_LIST } from "../../src/config/settings-table.ts"

const SCOPES = ["budget", "gateway", "run", "replay"] as const

test("docs/reference/settings.md is what the table says", async () => {
  const page = new URL("../../docs/reference/settings.md", import.meta.url)
  expect(await readFile(page, "utf8")).toBe(renderSettingsReference())
})

test("the reference has every key, flag and variable", () => {
  const page = renderSettingsReference()
  for (const { key, flag, variable } of SETTING_LIST) {
    expect(page).toContain(`| \`${key}\` | \`--${flag}\``)
    expect(page).toContain(`| \`${variable}\` |`)
  }
})

test("every line of the help fits into 80 columns, and every flag is there", () => {
  const help = renderFlagHelp(...SCOPES)
  expect(help.split("\n").filter((line) => line.length > 80 || line !== line.trimEnd())).toEqual([])
  const flags = [...help.matchAll(/^ {2}--([\w-]+)/gm)].map(([, flag]) => flag)
  expect(flags).toEqual(Object.keys(flagOptions(...SCOPES)))
})

test("meanings are aligned and defaults shown as one would type them", () => {
  expect(renderFlagHelp().split("\n").slice(0, 9)).toEqual([
    "  --daily-token-limit TOKENS  tokens all agents together may use in a day of the",
    "                              time zone (default 10_000_000)",
    "  --per-agent-token-limit TOKENS",
    "                              tokens one agent may use in its life",
    "                              (default 2_000_000)",
    "  --max-concurrent-agents N   agents that may run at once; enforced in both",
    "                              modes (default 10)",
    "  --max-task-duration-minutes MINUTES",
    "                              how long one agent may live from its admission;",
  ])
  expect(renderFlagHelp("budget")).toBe(renderFlagHelp())
  expect(renderFlagHelp("run")).not.toContain("--daily-token-limit")
})

test("the defaults that the help shows are flags that give the defaults", () => {
  const help = renderFlagHelp(...SCOPES).replace(/\s+/g, " ")
  const shown = [...help.matchAll(/--([\w-]+) \S+ (?:(?! --)[^()])*\(default ([^ )]+)\)/g)]
  const args = shown.map(([, flag, value]) => `--${flag}=${value}`)
  expect(args).toContain("--token-weights=input=1,output=1,cacheWrite=1,cacheRead=0")
  expect(args).toHaveLength(16)
  const { values } = parseArgs({ args, options: flagOptions(...SCOPES) })
  const { budget, run } = Result.getOrThrow(resolveSettings({ flags: values }))
  expect(budget).toEqual(DEFAULT_SETTINGS)
  expect(run).toEqual({ ledger: null, retentionDays: 30, idleMinutes: 30 })
})
