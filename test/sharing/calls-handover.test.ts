/** Runs that share a ledger, and die in the middle of calls: every call counts once. */
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { newPlace, type Place, run } from "../edges/cli/stint-process.ts"
import { type ModelServer, startModelServer } from "../gateway/model-server.ts"
import { seededRandom } from "../ledger/seeded-random.ts"
import { eventually, nobodyLeft } from "../runners/proc-reader.ts"
import {
  agentIn,
  billOf,
  callsOf,
  reckoned,
  standing,
  stands,
  startCaller,
} from "./calling-runs.ts"

let models: ModelServer
let place: Place
beforeEach(async () => {
  models = await startModelServer()
  place = newPlace()
})
afterEach(() => models.close())

/** Answers begin, and stop after their first piece until they are let go. */
const holdBack = () => {
  const gate = Promise.withResolvers<void>()
  let pieces = 0
  models.fault = {
    kind: "stepwise",
    next: () => {
      pieces += 1
      return pieces <= models.calls.length ? Promise.resolve() : gate.promise
    },
  }
  return () => {
    models.fault = null
    gate.resolve()
  }
}

const begun = (name: string, count: number): Promise<true> =>
  eventually(() => callsOf(models, name).filter(isStreaming).length === count)

const isStreaming = ({ inputTokens, wasCut }: { inputTokens: number; wasCut: boolean }): boolean =>
  inputTokens > 0 && !wasCut

/** All that the ledger says of them, against all that was billed. */
const accounts = async (names: readonly string[]) => {
  const summary = await standing(place)
  const each = await Promise.all(names.map((name) => reckoned(place, name)))
  const used = each.reduce((sum, { usedTokens }) => sum + usedTokens, 0)
  const charged = each.reduce((sum, { chargedTokens }) => sum + chargedTokens, 0)
  expect(each.flatMap(({ astray }) => astray)).toEqual([])
  expect(summary).toMatchObject({ dailyTokensUsed: used + charged, activeAgents: 0 })
  expect(summary.agentUsage.map(({ heldTokens }) => heldTokens)).toEqual(names.map(() => 0))
  return { summary, used, charged }
}

describe("kill -9 of the holder", { timeout: 300_000 }, () => {
  it("while calls of the other run stream and wait: each goes on, and counts once", async () => {
    const release = holdBack()
    const limit = ["--daily-token-limit", "3700"]
    const a = startCaller("a", { place, models, words: limit })
    await begun("a", 1)
    const b = startCaller("b", { place, models, count: 6, width: 6 })
    await begun("b", 2)
    // The others have been counted, and stand in line: what is left is less than any of them asks.
    await eventually(() => models.free.length >= 4)
    process.kill(a.pid, "SIGKILL")
    await stands(place, (summary) => agentIn(summary, "a")?.state === "ended")
    expect(callsOf(models, "b")).toHaveLength(2)
    release()
    expect((await b.ended).status).toBe(0)
    expect(b.stdout.match(/b: whole/g)).toHaveLength(6)
    const { used, charged } = await accounts(["a", "b"])
    expect(used).toBe(billOf(callsOf(models, "b")))
    expect(charged).toBeGreaterThanOrEqual(billOf(callsOf(models, "a")))
    expect(await reckoned(place, "b")).toMatchObject({
      ...{ settled: 6, charged: 0, ends: ["completed"] },
      usedMicroUsd: callsOf(models, "b").reduce(
        (sum, { inputTokens, outputTokens }) => sum + 3 * inputTokens + 15 * outputTokens,
        0,
      ),
    })
    expect(await reckoned(place, "a")).toMatchObject({ settled: 0, charged: 1, ends: ["lost"] })
    expect(callsOf(models, "a")).toMatchObject([{ wasCut: true }])
  })

  it("before it acknowledges what calls came to: it is said again, and counts once", async () => {
    const a = startCaller("a", { place, models, gate: place.path("never") })
    await stands(place, (summary) => agentIn(summary, "a")?.state === "running")
    const release = holdBack()
    const b = startCaller("b", { place, models, count: 3, width: 3 })
    await begun("b", 3)
    process.kill(a.pid, "SIGSTOP")
    release()
    // What they came to lies unread before a holder that does not hear.
    await eventually(() => b.stdout.match(/b: whole/g)?.length === 3)
    process.kill(a.pid, "SIGKILL")
    expect((await b.ended).status).toBe(0)
    const { used, charged } = await accounts(["a", "b"])
    expect({ used, charged }).toEqual({ used: billOf(models.calls), charged: 0 })
    expect(await reckoned(place, "b")).toMatchObject({ settled: 3, ends: ["completed"] })
  })

  it("at any moment of many calls: none of the other run fails, and each counts once", async () => {
    const random = seededRandom()
    const names: string[] = []
    for (let round = 0; round < 2; round += 1) {
      const [x, y] = [`x${round}`, `y${round}`]
      names.push(x, y)
      const a = startCaller(x, { place, models, count: 1_000, width: 3 })
      await a.shows(/begins/)
      const b = startCaller(y, { place, models, count: 60, width: 6 })
      const after = 1 + random.below(40)
      await eventually(() => callsOf(models, y).length >= after)
      process.kill(a.pid, "SIGKILL")
      const { status, stderr } = await b.ended
      expect(status, `${random.seed} ${stderr} ${b.stdout}`).toBe(0)
      expect(await reckoned(place, y), random.seed).toMatchObject({ settled: 60, charged: 0 })
      expect((await reckoned(place, y)).usedTokens).toBe(billOf(callsOf(models, y)))
    }
    const { used, charged } = await accounts(names)
    const bill = billOf(models.calls)
    expect(used).toBeLessThanOrEqual(bill)
    expect(used + charged).toBeGreaterThanOrEqual(bill)
  })
})

describe("kill -9 in the middle of a stream", () => {
  it("of a run alone: the next start charges what was held, and its provider is let go", async () => {
    holdBack()
    const a = startCaller("a", { place, models, count: 2, width: 2 })
    await begun("a", 2)
    process.kill(a.pid, "SIGKILL")
    await nobodyLeft(place.mark)
    await eventually(() => callsOf(models, "a").every(({ wasCut }) => wasCut))
    expect(models.sockets()).toBe(0)
    expect((await run(place, ["--id", "next", "--", "true"])).status).toBe(0)
    expect(await reckoned(place, "a")).toMatchObject({ charged: 2, settled: 0, ends: ["lost"] })
    const { summary, charged } = await accounts(["a", "next"])
    expect(summary.uncertainTokens).toBe(charged)
    expect(charged).toBeGreaterThanOrEqual(billOf(models.calls))
  })

  it("of an attached run: the holder charges what was held, and goes on with its own", async () => {
    const a = startCaller("a", { place, models, gate: place.path("go") })
    await stands(place, (summary) => agentIn(summary, "a")?.state === "running")
    const release = holdBack()
    const b = startCaller("b", { place, models, count: 2, width: 2 })
    await begun("b", 2)
    process.kill(b.pid, "SIGKILL")
    await stands(place, (summary) => agentIn(summary, "b")?.state === "ended")
    release()
    place.file("go", "")
    expect((await a.ended).status).toBe(0)
    expect(await reckoned(place, "b")).toMatchObject({ charged: 2, settled: 0, ends: ["lost"] })
    expect(callsOf(models, "b").map(({ wasCut }) => wasCut)).toEqual([true, true])
    const { summary, used, charged } = await accounts(["a", "b"])
    expect(used).toBe(billOf(callsOf(models, "a")))
    expect(summary.uncertainTokens).toBe(charged)
  })

  it("of both at once: the next start charges all that was held, once", async () => {
    holdBack()
    const a = startCaller("a", { place, models })
    await begun("a", 1)
    const b = startCaller("b", { place, models, count: 2, width: 2 })
    await begun("b", 2)
    process.kill(a.pid, "SIGKILL")
    process.kill(b.pid, "SIGKILL")
    await nobodyLeft(place.mark)
    expect((await run(place, ["--id", "next", "--", "true"])).status).toBe(0)
    expect(await reckoned(place, "a")).toMatchObject({ charged: 1, settled: 0, ends: ["lost"] })
    expect(await reckoned(place, "b")).toMatchObject({ charged: 2, settled: 0, ends: ["lost"] })
    const { summary, charged } = await accounts(["a", "b", "next"])
    expect(summary.uncertainTokens).toBe(charged)
    await eventually(() => models.sockets() === 0)
  })
})

describe("many calls of one agent on a small limit", () => {
  it("get through one after another, at the holder and in an attached run", async () => {
    const limit = ["--per-agent-token-limit", "4000"]
    const a = startCaller("a", { place, models, words: limit, count: 30, width: 30 })
    await a.shows(/begins/)
    const b = startCaller("b", { place, models, count: 30, width: 30 })
    for (const each of [a, b]) {
      const { status, stderr } = await each.ended
      expect(status, `${stderr}\n${each.stdout}`).toBe(0)
    }
    const { used, charged } = await accounts(["a", "b"])
    expect({ used, charged }).toEqual({ used: billOf(models.calls), charged: 0 })
    for (const name of ["a", "b"])
      expect(await reckoned(place, name)).toMatchObject({ settled: 30, ends: ["completed"] })
  })
})
