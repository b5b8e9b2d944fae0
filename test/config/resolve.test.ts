import { parseArgs } from "node:util"
import * as Result from "effect/Result"
import { describe, expect, test } from "vitest"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import type { FlagValues } from "../../src/config/flags.ts"
import { budgetFlagOptions, flagOptions } from "../../src/config/flags.ts"
import type { SettingSources } from "../../src/config/resolve.ts"
import { resolveSettings } from "../../src/config/resolve.ts"
import { SETTING_LIST } from "../../src/config/settings-table.ts"

const resolved = (sources: SettingSources) => Result.getOrThrow(resolveSettings(sources))

const messageOf = (sources: SettingSources): string => {
  const result = resolveSettings(sources)
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

const flags = (...args: readonly string[]): FlagValues =>
  parseArgs({ args: [...args], options: flagOptions("budget", "gateway", "run", "replay") }).values

describe("the order of sources", () => {
  const five: SettingSources = {
    flags: flags("--grace-seconds", "1"),
    env: { STINT_GRACE_SECONDS: "2" },
    plan: { name: "plan.yaml", value: { graceSeconds: 3 }, under: ["budget"] },
    ledger: { name: "stint.db", value: { graceSeconds: 4 } },
    file: { name: "stint.yaml", value: { graceSeconds: 6 } },
  }

  test.each([
    [[], 1, { from: "flag", name: "--grace-seconds" }],
    [["flags"], 2, { from: "environment", name: "STINT_GRACE_SECONDS" }],
    [["flags", "env"], 3, { from: "plan", name: "plan.yaml" }],
    [["flags", "env", "plan"], 4, { from: "ledger", name: "stint.db" }],
    [["flags", "env", "plan", "ledger"], 6, { from: "file", name: "stint.yaml" }],
    [["flags", "env", "plan", "ledger", "file"], 5, { from: "default", name: "default" }],
  ])("without %j the next one decides: %d", (absent, graceSeconds, origin) => {
    const rest = Object.fromEntries(Object.entries(five).filter(([name]) => !absent.includes(name)))
    const settings = resolved(rest)
    expect(settings.budget).toEqual({ ...DEFAULT_SETTINGS, graceSeconds })
    expect(settings.origins.graceSeconds).toEqual(origin)
  })

  test("each setting is decided on its own", () => {
    const { budget, run, origins } = resolved({
      flags: flags("--daily-token-limit", "unlimited", "--soft"),
      env: { STINT_LEDGER: "here.db", STINT_DAILY_TOKEN_LIMIT: "7" },
      file: {
        name: "stint.yaml",
        value: { retentionDays: 7, idleMinutes: 0.5, maxConcurrentAgents: null },
      },
    })
    expect(budget).toEqual({
      ...DEFAULT_SETTINGS,
      dailyTokenLimit: null,
      enforceHardLimits: false,
      maxConcurrentAgents: null,
    })
    expect(run).toEqual({ ledger: "here.db", retentionDays: 7, idleMinutes: 0.5 })
    expect(origins.dailyTokenLimit).toEqual({ from: "flag", name: "--daily-token-limit" })
    expect(origins.enforceHardLimits).toEqual({ from: "flag", name: "--soft" })
    expect(origins.ledger).toEqual({ from: "environment", name: "STINT_LEDGER" })
    expect(origins.maxConcurrentAgents).toEqual({ from: "file", name: "stint.yaml" })
    expect(Object.keys(origins)).toEqual(SETTING_LIST.map(({ key }) => key))
  })

  test("a nearer null is unlimited and does not fall through to a further limit", () => {
    const { budget } = resolved({
      env: { STINT_MAX_TASK_DURATION_MINUTES: "unlimited" },
      file: { name: "stint.yaml", value: { maxTaskDurationMinutes: 5 } },
    })
    expect(budget.maxTaskDurationMinutes).toBeNull()
  })

  test("a weight that a nearer source does not name stays as the further one has it", () => {
    const { budget } = resolved({
      flags: flags("--token-weights", "cacheRead=0.1"),
      env: { STINT_TOKEN_WEIGHTS: "cacheRead=0.5,output=5" },
      file: { name: "stint.yaml", value: { tokenWeights: { input: 2, output: 3 } } },
    })
    expect(budget.tokenWeights).toEqual({ input: 2, output: 5, cacheWrite: 1, cacheRead: 0.1 })
  })

  test("--hard overrules a soft file", () => {
    const file = { name: "stint.yaml", value: { enforceHardLimits: false } }
    expect(resolved({ file }).budget.enforceHardLimits).toBe(false)
    const { budget, origins } = resolved({ file, flags: flags("--hard") })
    expect(budget.enforceHardLimits).toBe(true)
    expect(origins.enforceHardLimits).toEqual({ from: "flag", name: "--hard" })
  })
})

describe("problems", () => {
  test("of all sources are told together, also of one that a nearer source hides", () => {
    const message = messageOf({
      flags: flags("--grace-seconds=5", "--daily-token-limit=-5"),
      env: { STINT_GRACE_SECONDS: "unlimited" },
      plan: {
        name: "plan.yaml",
        value: { graceSeconds: -1 },
        under: ["budget"],
        lineOf: (path) => (path.join(".") === "budget.graceSeconds" ? 7 : null),
      },
      ledger: { name: "stint.db", value: { graceSeconds: "x" } },
      file: { name: "stint.yaml", value: { graceSeconds: null } },
    })
    const seconds = "a number of seconds from 0 to 86400"
    expect(message.split("\n")).toEqual([
      "command line: --daily-token-limit: found -5, expected a whole number from 0 to 9007199254740991, or unlimited",
      `environment: STINT_GRACE_SECONDS: found unlimited, expected ${seconds}`,
      `plan.yaml:7: budget.graceSeconds: found -1, expected ${seconds}`,
      `stint.db: graceSeconds: found "x", expected ${seconds}`,
      `stint.yaml: graceSeconds: found null, expected ${seconds}`,
    ])
  })

  test.each(["plan", "ledger"] as const)("a %s holds no settings of a run", (from) => {
    expect(messageOf({ [from]: { name: "there", value: { retentionDays: 7 } } })).toContain(
      "there: retentionDays: found a key that is not the budget's",
    )
  })

  test("a plan's budget that is no map is named", () => {
    const plan = { name: "plan.yaml", value: [], under: ["budget"] }
    expect(messageOf({ plan })).toBe("plan.yaml: budget: found [], expected a map of settings")
  })
})

describe("the environment", () => {
  test("an empty variable counts as not set", () => {
    const { budget, warnings } = resolved({ env: { STINT_GRACE_SECONDS: "", STINT_COLOUR: "" } })
    expect(budget).toEqual(DEFAULT_SETTINGS)
    expect(warnings).toEqual([])
  })

  test("what an agent is told by is no setting, so a Stint inside a Stint works", () => {
    const env = { STINT_AGENT_ID: "a", STINT_TASK_ID: "t", STINT_TREE: "x", PATH: "/bin" }
    expect(resolved({ env })).toEqual(resolved({}))
  })

  test("an unknown variable is a warning that does not show its value", () => {
    const { budget, warnings } = resolved({
      env: { STINT_GRACE_SECOND: "secret", STINT_X: "secret", OTHER_STINT_X: "1" },
    })
    expect(budget).toEqual(DEFAULT_SETTINGS)
    expect(warnings).toEqual([
      "environment: STINT_GRACE_SECOND: no setting has this variable and it is ignored; did you mean STINT_GRACE_SECONDS?",
      "environment: STINT_X: no setting has this variable and it is ignored; unset it if you meant one",
    ])
  })

  test("the variable of a cost limit is in micro-dollars", () => {
    const of = (text: string) =>
      resolved({ env: { STINT_DAILY_COST_LIMIT_MICRO_USD: text } }).budget.dailyCostLimitMicroUsd
    expect([of("5000000"), of("5_000_000"), of("0"), of("unlimited")]).toEqual([
      5_000_000,
      5_000_000,
      0,
      null,
    ])
    expect(messageOf({ env: { STINT_DAILY_COST_LIMIT_MICRO_USD: "5.5" } })).toBe(
      "environment: STINT_DAILY_COST_LIMIT_MICRO_USD: found 5.5, expected money from 0, down to a millionth of a dollar (a flag: dollars such as 5.00; elsewhere: whole micro-dollars), or unlimited",
    )
  })
})

describe("flags", () => {
  test("the budget's own are those of its settings", () => {
    expect(Object.keys(budgetFlagOptions())).toEqual([
      "daily-token-limit",
      "per-agent-token-limit",
      "max-concurrent-agents",
      "max-task-duration-minutes",
      "soft",
      "hard",
      "token-weights",
      "thresholds",
      "grace-seconds",
      "hold-timeout-minutes",
      "time-zone",
      "daily-cost-limit",
      "per-agent-cost-limit",
      "reserve-for-wrap-up",
      "allow-unbounded",
      "allow-unpriced",
    ])
    expect(Object.keys(flagOptions("gateway"))).toEqual([
      "min-answer-tokens",
      "default-output-tokens",
      "wrap-up-note",
    ])
    expect(Object.keys(flagOptions("run", "replay"))).toEqual(["ledger", "retention-days", "idle"])
  })

  test("a flag given twice is a mistake, not a choice", () => {
    expect(messageOf({ flags: flags("--grace-seconds=1", "--grace-seconds=2") })).toBe(
      "command line: --grace-seconds: found 1 and 2, expected only one of them",
    )
    expect(messageOf({ flags: flags("--soft", "--hard") })).toBe(
      "command line: --soft: found --soft and --hard, expected only one of them",
    )
    expect(resolved({ flags: flags("--soft", "--soft") }).budget.enforceHardLimits).toBe(false)
  })

  test("values that were parsed without `multiple`, and flags of others, are taken too", () => {
    const { budget } = resolved({
      flags: { "grace-seconds": "1", soft: true, hard: undefined, meter: "auto", id: ["a"] },
    })
    expect(budget).toEqual({ ...DEFAULT_SETTINGS, graceSeconds: 1, enforceHardLimits: false })
  })

  test("an empty value is not a missing one", () => {
    expect(messageOf({ flags: flags("--grace-seconds=") })).toBe(
      'command line: --grace-seconds: found "", expected a number of seconds from 0 to 86400',
    )
  })

  test.each([
    ["0", 0],
    ["5.00", 5_000_000],
    ["$5", 5_000_000],
    ["0.000001", 1],
    ["unlimited", null],
  ])("a cost limit of %s dollars is %d micro-dollars", (dollars, microUsd) => {
    const { budget } = resolved({ flags: flags("--daily-cost-limit", dollars) })
    expect(budget.dailyCostLimitMicroUsd).toBe(microUsd)
  })

  test("no dollar is rounded", () => {
    expect(messageOf({ flags: flags("--per-agent-cost-limit", "0.0000001") })).toBe(
      "command line: --per-agent-cost-limit: found 0.0000001, expected money from 0, down to a millionth of a dollar (a flag: dollars such as 5.00; elsewhere: whole micro-dollars), or unlimited",
    )
  })

  test("what is allowed is a flag without a value, and false is said by the other sources", () => {
    const env = { STINT_ALLOW_UNPRICED: "false" }
    const file = { name: "stint.yaml", value: { allowUnpriced: true, allowUnbounded: false } }
    const given = resolved({ flags: flags("--allow-unbounded"), env, file })
    expect(given.budget).toMatchObject({ allowUnbounded: true, allowUnpriced: false })
    expect(given.origins.allowUnbounded).toEqual({ from: "flag", name: "--allow-unbounded" })
  })
})

describe("the gateway's settings", () => {
  const defaults = { minAnswerTokens: 256, defaultOutputTokens: 32_000, wrapUpNote: false }

  test("have defaults, and come from flags, variables and the file", () => {
    expect(resolved({}).gateway).toEqual(defaults)
    const { gateway } = resolved({
      flags: flags("--min-answer-tokens", "1", "--wrap-up-note"),
      env: { STINT_DEFAULT_OUTPUT_TOKENS: "8_000" },
      file: { name: "stint.yaml", value: { minAnswerTokens: 2, defaultOutputTokens: 3 } },
    })
    expect(gateway).toEqual({ minAnswerTokens: 1, defaultOutputTokens: 8_000, wrapUpNote: true })
  })

  test("an answer of no tokens is none", () => {
    expect(messageOf({ flags: flags("--min-answer-tokens", "0") })).toBe(
      "command line: --min-answer-tokens: found 0, expected a whole number from 1 to 10000000",
    )
  })
})

describe("the file's prices and upstreams", () => {
  test("are read beside its settings, and nowhere else", () => {
    const prices = [{ model: "m", inputUsdPerMTok: 1, outputUsdPerMTok: 2 }]
    const upstreams = { openai: { provider: "groq" } }
    const value = { graceSeconds: 1, prices, upstreams }
    const given = resolved({ file: { name: "stint.yaml", value } })
    expect(given.budget).toEqual({ ...DEFAULT_SETTINGS, graceSeconds: 1 })
    expect(given.prices).toEqual(prices)
    expect(given.upstreams.openai?.provider).toBe("groq")
    expect(messageOf({ plan: { name: "plan.yaml", value, under: ["budget"] } })).toMatch(
      /^plan\.yaml: budget\.prices: found an unknown key.*\nplan\.yaml: budget\.upstreams: /,
    )
  })

  test("their mistakes are told with those of the settings", () => {
    const value = { graceSeconds: -1, prices: {}, upstreams: { mistral: {} } }
    expect(messageOf({ file: { name: "stint.yaml", value } }).split("\n")).toEqual([
      "stint.yaml: graceSeconds: found -1, expected a number of seconds from 0 to 86400",
      "stint.yaml: prices: found {}, expected a list of maps of model, provider, inputUsdPerMTok, outputUsdPerMTok, cacheReadUsdPerMTok, cacheWriteUsdPerMTok, cacheWriteHourUsdPerMTok, perCallUsd",
      "stint.yaml: upstreams.mistral: found an unknown key, expected one of anthropic, openai, google",
    ])
  })
})
