/** Values kept in a ledger: by whoever holds it, by nobody, and what the next run finds of them. */
import { existsSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { fold } from "../../machines/budget/fold.ts"
import { emptyBudget } from "../../machines/budget/recovery.ts"
import type { Row } from "../../machines/budget/row.ts"
import { DEFAULT_SETTINGS, type KeptValues } from "../../machines/budget/settings.ts"
import type { RunSources } from "../../src/config/kept.ts"
import { startSupervisor } from "../../src/host/start.ts"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { openSqliteReader } from "../../src/ledger/sqlite/reader.ts"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { listenAndHold } from "../../src/sharing/holding.ts"
import { budgetOn, keepOn } from "../../src/sharing/keep.ts"
import { openLedger } from "../../src/sharing/open-ledger.ts"
import { openSession } from "../../src/sharing/session.ts"
import { visitHolder } from "../../src/sharing/visitor.ts"
import { defaultsKept, numbered } from "../ledger/sample-rows.ts"
import { temporaryFolder } from "../ledger/temporary-folder.ts"

const newLedger = (): string => `${temporaryFolder()}/ledger.db`

const FILE = { name: "stint.yaml", value: { graceSeconds: 9, dailyTokenLimit: 900 } }

const hold = async (path: string, sources: RunSources, keepSettings = false) => {
  const ledger = await openLedger(path)
  if (ledger instanceof LedgerUnavailable) throw ledger
  const options = { sources, keepSettings, retentionDays: 30, sweep: async () => {} }
  return (await listenAndHold(ledger, options)).holding
}

const keep = (path: string, key: string, text: string | null, sources: RunSources = {}) =>
  keepOn(path, { key, text }, sources, Date.now)

const rowsOf = async (path: string): Promise<readonly Row[]> => {
  const reader = await openSqliteReader(path)
  const rows: Row[] = []
  for await (const row of reader?.rows({ fromSeq: 1 }) ?? []) rows.push(row)
  reader?.close()
  return rows
}

const kindsOf = async (path: string): Promise<string> =>
  (await rowsOf(path)).map(({ kind }) => kind).join(" ")

describe("while nobody holds the ledger", () => {
  it("looking makes none, and keeping makes it", async () => {
    const path = newLedger()
    const before = await budgetOn(path, { file: FILE })
    expect(before).toMatchObject({ holder: null, inForce: { kept: {} } })
    expect(before.inForce.settings).toMatchObject({ graceSeconds: 9, dailyTokenLimit: 900 })
    expect(existsSync(path)).toBe(false)
    const answer = await keep(path, "grace-seconds", "7", { file: FILE })
    expect(answer).toMatchObject({ holder: null, changed: true })
    expect(answer.inForce.origins.graceSeconds).toMatchObject({ from: "ledger" })
    expect(await kindsOf(path)).toBe("defaults_kept budget_set window_opened")
    const after = await budgetOn(path, { file: FILE })
    expect(after.inForce.settings).toMatchObject({ graceSeconds: 7, dailyTokenLimit: 900 })
  })

  it("the next run begins with it, its flag does not, and neither forgets it", async () => {
    const path = newLedger()
    await keep(path, "dailyTokenLimit", "5M")
    for (const [flags, dailyTokenLimit] of [
      [{}, 5_000_000],
      [{ "daily-token-limit": "7" }, 7],
      [{}, 5_000_000],
    ] as const) {
      const holding = await hold(path, { flags })
      expect(holding.supervisor.summary()).toMatchObject({ dailyTokenLimit })
      await holding.leave()
    }
  })

  it("what was last written follows the change, and nothing else of it does", async () => {
    const path = newLedger()
    const holding = await hold(path, {
      flags: { "daily-token-limit": "7", "grace-seconds": "3" },
    })
    await holding.leave()
    await keep(path, "dailyTokenLimit", "5k")
    const settingsNow = async () =>
      (await rowsOf(path)).reduce(fold, emptyBudget()).settings as object
    expect(await settingsNow()).toMatchObject({ dailyTokenLimit: 5_000, graceSeconds: 3 })
    await keep(path, "dailyTokenLimit", null, { file: FILE })
    expect(await settingsNow()).toMatchObject({ dailyTokenLimit: 900, graceSeconds: 3 })
  })

  it("taking back what is not kept writes nothing, and makes no ledger", async () => {
    const path = newLedger()
    expect(await keep(path, "timeZone", null)).toMatchObject({ changed: false })
    expect(existsSync(path)).toBe(false)
    await keep(path, "graceSeconds", "7")
    const before = await rowsOf(path)
    expect(await keep(path, "timeZone", null)).toMatchObject({ changed: false })
    expect(await rowsOf(path)).toEqual(before)
  })

  it.each([
    ["graceSeconds", "unlimited", "command line: graceSeconds: found unlimited, expected a number"],
    ["dailyTokenLimit", "1,000", "command line: dailyTokenLimit: found 1,000, expected a whole"],
    ["dalyTokenLimit", "1", "did you mean dailyTokenLimit?"],
    ["retention-days", "9", "found a key that is not the budget's"],
    ["soft", "true", "expected its setting: enforceHardLimits true, or enforceHardLimits false"],
  ])("a bad call, %s %s, is told and leaves nothing", async (key, text, message) => {
    const path = newLedger()
    await expect(keep(path, key, text)).rejects.toThrow(message)
    expect(existsSync(path)).toBe(false)
  })

  it("a kept value that no start could use is named, and can be taken back", async () => {
    const path = newLedger()
    const ledger = await openSqliteLedger(path)
    ledger.append(numbered(0, [defaultsKept({ graceSeconds: -1 })]))
    await ledger.durable(1)
    await ledger.close()
    const problem = "stint budget set: graceSeconds: found -1, expected a number of seconds"
    await expect(budgetOn(path, {})).rejects.toThrow(problem)
    const session = { ledger: path, sources: {}, retentionDays: 30, sweep: async () => {} }
    await expect(openSession(session)).rejects.toThrow(problem)
    expect(await keep(path, "graceSeconds", null)).toMatchObject({ changed: true })
    expect((await budgetOn(path, {})).inForce.kept).toEqual({})
  })

  it("a supervisor of the library has its own options alone, and keeps what is kept", async () => {
    const path = newLedger()
    await keep(path, "dailyTokenLimit", "5")
    const supervisor = await startSupervisor({ ledger: path, budget: { graceSeconds: 1 } })
    expect(supervisor.budget()).toEqual({ ...DEFAULT_SETTINGS, graceSeconds: 1 })
    await expect(keep(path, "graceSeconds", "2")).rejects.toMatchObject({ reason: "locked" })
    await supervisor.close()
    expect((await budgetOn(path, {})).inForce.kept).toEqual({ dailyTokenLimit: 5 })
  })
})

describe("while a run holds the ledger", () => {
  it("a value applies at once and is durable before it is answered", async () => {
    const path = newLedger()
    const holding = await hold(path, { file: FILE })
    const answer = await keep(path, "dailyTokenLimit", "700")
    expect(answer).toMatchObject({ holder: process.pid, changed: true })
    expect(answer.inForce.origins.dailyTokenLimit).toMatchObject({ from: "ledger" })
    expect(holding.supervisor.summary()).toMatchObject({ dailyTokenLimit: 700 })
    expect(await kindsOf(path)).toMatch(/ defaults_kept budget_set$/)
    // Taken back, the file decides again.
    const back = await keep(path, "dailyTokenLimit", null)
    expect(back.inForce).toMatchObject({ settings: { dailyTokenLimit: 900 }, kept: {} })
    expect(back.inForce.origins.dailyTokenLimit).toEqual({ from: "file", name: "stint.yaml" })
    expect(holding.supervisor.summary()).toMatchObject({ dailyTokenLimit: 900 })
    await holding.leave()
  })

  it.each([
    ["flag", { flags: { "daily-token-limit": "100" } }],
    ["environment", { env: { STINT_DAILY_TOKEN_LIMIT: "100" } }],
    ["plan", { plan: { name: "plan.yaml", value: { dailyTokenLimit: 100 }, under: ["budget"] } }],
  ] as const)("a value that its %s hides is kept and changes nothing", async (from, sources) => {
    const path = newLedger()
    const holding = await hold(path, sources)
    const { inForce } = await keep(path, "dailyTokenLimit", "700")
    expect(inForce.origins.dailyTokenLimit).toMatchObject({ from })
    expect(inForce).toMatchObject({
      settings: { dailyTokenLimit: 100 },
      kept: { dailyTokenLimit: 700 },
    })
    expect(holding.supervisor.summary()).toMatchObject({ dailyTokenLimit: 100 })
    expect(await kindsOf(path)).toMatch(/ defaults_kept$/)
    expect((await budgetOn(path, {})).inForce).toEqual(inForce)
    await holding.leave()
  })

  it("a weight that a flag does not name is felt, and the one it names is not", async () => {
    const path = newLedger()
    const holding = await hold(path, { flags: { "token-weights": "cacheRead=0.1" } })
    await keep(path, "tokenWeights", "output=5,cacheRead=0.5")
    const expected = { input: 1, output: 5, cacheWrite: 1, cacheRead: 0.1 }
    expect(holding.supervisor.budget().tokenWeights).toEqual(expected)
    await holding.leave()
  })

  it("a wrong message changes nothing and is answered with what is wrong", async () => {
    const path = newLedger()
    const holding = await hold(path, {})
    const before = await rowsOf(path)
    for (const [key, text] of [
      ["graceSeconds", "-1"],
      ["ledger", "x"],
      ["constructor", "1"],
      ["graceSecond", null],
    ] as const) {
      const visitor = await visitHolder(path)
      const answer = await visitor?.keep({ key, text })
      visitor?.leave()
      expect(answer).toMatchObject({ refused: expect.stringContaining(key), changed: false })
    }
    expect(await rowsOf(path)).toEqual(before)
    await holding.leave()
  })

  it("many who keep at once lose nothing of each other", async () => {
    const path = newLedger()
    const holding = await hold(path, {})
    const values: KeptValues = { dailyTokenLimit: 5, perAgentTokenLimit: 4, graceSeconds: 3 }
    await Promise.all(Object.entries(values).map(([key, value]) => keep(path, key, `${value}`)))
    expect(holding.supervisor.kept()).toEqual(values)
    expect(holding.supervisor.budget()).toEqual({ ...DEFAULT_SETTINGS, ...values })
    await holding.leave()
    expect((await budgetOn(path, {})).inForce.kept).toEqual(values)
  })

  it("an attached run compares its own limits with what is kept in them", async () => {
    const path = newLedger()
    await keep(path, "dailyTokenLimit", "700")
    const holding = await hold(path, {})
    const options = { ledger: path, retentionDays: 30, sweep: async () => {} }
    const attached = await openSession({ ...options, sources: { file: FILE } })
    expect(attached.role).toBe("attached")
    expect(attached.ownSettings()).toMatchObject({ dailyTokenLimit: 700, graceSeconds: 9 })
    await keep(path, "dailyTokenLimit", "600")
    await attached.refresh()
    expect(attached.ownSettings()).toMatchObject({ dailyTokenLimit: 600 })
    expect(attached.summary()).toMatchObject({ dailyTokenLimit: 600 })
    await attached.close()
    await holding.leave()
  })
})

describe("after a handover", () => {
  it("the limits of the run that is gone yield to a value that is kept, flags of this one do not count", async () => {
    const path = newLedger()
    const flags = { "daily-token-limit": "100", "grace-seconds": "3" }
    await (await hold(path, { flags })).leave()
    const own = { flags: { "daily-token-limit": "50" }, file: FILE }
    const holding = await hold(path, own, true)
    const { inForce } = await budgetOn(path, {})
    expect(inForce.settings).toMatchObject({ dailyTokenLimit: 100, graceSeconds: 3 })
    expect(inForce.origins.dailyTokenLimit).toMatchObject({ from: "run" })
    expect(inForce.origins.thresholds).toMatchObject({ from: "default" })
    const kept = await keep(path, "dailyTokenLimit", "700")
    expect(kept.inForce.origins.dailyTokenLimit).toMatchObject({ from: "ledger" })
    expect(holding.supervisor.budget()).toMatchObject({ dailyTokenLimit: 700, graceSeconds: 3 })
    await keep(path, "dailyTokenLimit", null)
    expect(holding.supervisor.budget()).toMatchObject({ dailyTokenLimit: 900, graceSeconds: 3 })
    await holding.leave()
  })

  it("a kept value is still one of the ledger's", async () => {
    const path = newLedger()
    await keep(path, "dailyTokenLimit", "700")
    await (await hold(path, {})).leave()
    const holding = await hold(path, {}, true)
    const { inForce } = await budgetOn(path, {})
    expect(inForce.origins.dailyTokenLimit).toMatchObject({ from: "ledger" })
    await holding.leave()
  })
})

const CHANGES = fc.constantFrom<readonly [string, string | null]>(
  ["dailyTokenLimit", "700"],
  ["dailyTokenLimit", "unlimited"],
  ["dailyTokenLimit", null],
  ["graceSeconds", "0"],
  ["graceSeconds", null],
  ["tokenWeights", "cacheRead=0.001"],
  ["tokenWeights", null],
)

it("kept by a holder or by nobody, in any order, it comes to the same", async () => {
  const changed = fc.array(fc.tuple(CHANGES, fc.boolean()), { maxLength: 6 })
  await fc.assert(
    fc.asyncProperty(changed, async (changes) => {
      const path = newLedger()
      let expected: KeptValues = {}
      for (const [[key, text], held] of changes) {
        const holding = held ? await hold(path, { file: FILE }) : null
        const { inForce } = await keep(path, key, text, { file: FILE })
        await holding?.leave()
        const { [key]: _, ...others } = expected
        const value = inForce.kept[key]
        expect(value === undefined).toBe(text === null)
        expected = value === undefined ? others : { ...others, [key]: value }
        expect(inForce.kept).toEqual(expected)
      }
      expect((await rowsOf(path)).reduce(fold, emptyBudget()).kept).toEqual(expected)
      expect((await budgetOn(path, {})).inForce.kept).toEqual(expected)
    }),
    { numRuns: 8 },
  )
})
