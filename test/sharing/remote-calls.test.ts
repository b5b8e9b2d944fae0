/** No hold of another process stays open for ever, whoever goes away, and in whatever moment. */
import { describe, expect, it } from "vitest"
import type { HoldId } from "../../machines/vocabulary.ts"
import type { CallResolution } from "../../src/host/calls.ts"
import type { FromHolder, ToHolder } from "../../src/sharing/messages.ts"
import { eventually } from "../runners/proc-reader.ts"
import {
  agent,
  attach,
  hold,
  is,
  KEY,
  newLedger,
  over,
  started,
  takeOver,
} from "./attached-process.ts"
import { ask, report } from "./calls.contract.ts"
import { rowsOf } from "./calls-world.ts"

const asks = (id: string, most: number, queue = false): ToHolder => ({
  type: "hold",
  key: KEY,
  id: id as HoldId,
  ask: ask(most, { queue }),
})

const ends = (id: string, resolution: CallResolution): ToHolder => ({
  type: "resolve",
  key: KEY,
  id: id as HoldId,
  resolution,
})

const about = (type: FromHolder["type"], id: string) => (message: FromHolder) =>
  message.type === type && "id" in message && message.id === id

/** How the hold of that id came to be and ended, in order. */
const lifeOf = async (path: string, id: string): Promise<readonly string[]> =>
  (await rowsOf(path)).flatMap((row) =>
    "holdId" in row && row.holdId === id
      ? [row.kind]
      : row.kind === "corrected" && "holdId" in row.ref && row.ref.holdId === id
        ? [row.kind]
        : [],
  )

const LIMITS = { sources: { flags: { "per-agent-token-limit": "1000" } } }

const running = async (path: string) => {
  const run = await attach(path)
  run.say(agent(false))
  await run.hears(is("begin"))
  run.say(started)
  return run
}

const comesBack = async (path: string) => {
  const run = await attach(path)
  run.say(agent(true))
  return run
}

describe("a call that was granted to somebody who did not hear of it", () => {
  it("is held once when it is asked again of the next holder, and settled there", async () => {
    const path = newLedger()
    const first = await hold(path, LIMITS)
    const before = await running(path)
    before.say(asks("h", 400))
    await before.hears(about("held", "h"))
    await first.leave()
    const { holding } = await takeOver(path, LIMITS)
    const after = await comesBack(path)
    after.say(asks("h", 400))
    expect(await after.hears(about("held", "h"))).toMatchObject({ outputTokens: 400 })
    const second = await holding
    expect(second.supervisor.summary().agentUsage).toMatchObject([{ heldTokens: 500 }])
    after.say(ends("h", { as: "settle", report: report(90, 20) }))
    await after.hears(about("resolved", "h"))
    expect(second.supervisor.summary()).toMatchObject({
      dailyTokensUsed: 110,
      agentUsage: [{ heldTokens: 0, costMicroUsd: 7 }],
    })
    expect(await lifeOf(path, "h")).toEqual(["hold_placed", "hold_settled"])
    await second.leave()
  })

  it("is charged when its process is gone: the agent ends lost", async () => {
    const path = newLedger()
    const holding = await hold(path, LIMITS)
    const run = await running(path)
    run.say(asks("h", 400))
    await run.hears(about("held", "h"))
    run.destroy()
    await eventually(() => holding.supervisor.summary().activeAgents === 0)
    expect(holding.supervisor.summary()).toMatchObject({
      dailyTokensUsed: 500,
      uncertainTokens: 500,
      agentUsage: [{ reason: "lost", heldTokens: 0 }],
    })
    await holding.leave()
    expect(await lifeOf(path, "h")).toEqual(["hold_placed", "hold_expired"])
  })

  it("ends when its process is gone before it could be told: voided, or charged", async () => {
    const path = newLedger()
    const holding = await hold(path, LIMITS)
    const run = await running(path)
    run.say(asks("h", 400))
    await eventually(() => holding.supervisor.summary().agentUsage[0]?.heldTokens === 500)
    run.destroy()
    await eventually(() => holding.supervisor.summary().activeAgents === 0)
    expect(holding.supervisor.summary()).toMatchObject({ agentUsage: [{ heldTokens: 0 }] })
    await holding.leave()
    expect(["hold_voided", "hold_expired"]).toContain((await lifeOf(path, "h"))[1])
  })

  it("is charged when its process is gone together with the holder", async () => {
    const path = newLedger()
    const first = await hold(path, LIMITS)
    const run = await running(path)
    run.say(asks("h", 400))
    await run.hears(about("held", "h"))
    await first.leave()
    const second = await hold(path, LIMITS)
    expect(second.supervisor.summary()).toMatchObject({
      uncertainTokens: 500,
      agentUsage: [{ reason: "lost", heldTokens: 0 }],
    })
    await second.leave()
  })

  it("is charged when its process claims its agent and is gone before anybody listens", async () => {
    const path = newLedger()
    const first = await hold(path, LIMITS)
    const before = await running(path)
    before.say(asks("h", 400))
    await before.hears(about("held", "h"))
    await first.leave()
    let claimant: Awaited<ReturnType<typeof attach>> | null = null
    const sweep = async (): Promise<void> => {
      claimant?.destroy()
      // Heard after the other has been seen to go.
      ;(await attach(path)).destroy()
    }
    const { holding } = await takeOver(path, { ...LIMITS, sweep })
    claimant = await comesBack(path)
    const second = await holding
    expect(second.supervisor.summary()).toMatchObject({ activeAgents: 1 })
    await eventually(() => second.supervisor.summary().activeAgents === 0)
    expect(second.supervisor.summary()).toMatchObject({
      uncertainTokens: 500,
      agentUsage: [{ reason: "lost", heldTokens: 0 }],
    })
    await second.leave()
  })

  it("is voided when it is no longer wanted by then", async () => {
    const path = newLedger()
    const first = await hold(path, LIMITS)
    const before = await running(path)
    before.say(asks("h", 400))
    await before.hears(about("held", "h"))
    await first.leave()
    const { holding } = await takeOver(path, LIMITS)
    const after = await comesBack(path)
    after.say(ends("h", { as: "void" }))
    await after.hears(about("resolved", "h"))
    const second = await holding
    expect(second.supervisor.summary()).toMatchObject({
      dailyTokensUsed: 0,
      agentUsage: [{ heldTokens: 0, state: "running" }],
    })
    await second.leave()
  })
})

describe("a call in line", () => {
  it("is out of it when it is taken back, and never held", async () => {
    const path = newLedger()
    const holding = await hold(path, LIMITS)
    const run = await running(path)
    run.say(asks("h", 900), asks("waits", 900, true), asks("next", 900, true))
    await run.hears(about("held", "h"))
    run.say(ends("waits", { as: "void" }), ends("h", { as: "void" }))
    await run.hears(about("held", "next"))
    await run.hears(about("resolved", "waits"))
    expect(await lifeOf(path, "waits")).toEqual([])
    await holding.leave()
  })

  it("of a process that is gone is not granted, so nothing of it is charged", async () => {
    const path = newLedger()
    const small = await hold(path, { sources: { flags: { "daily-token-limit": "1000" } } })
    const own = await small.supervisor.spawn({
      taskId: "own",
      run: async ({ signal }) =>
        new Promise((resolve) => signal.addEventListener("abort", resolve)),
    })
    const held = await own.hold(900)
    const run = await running(path)
    run.say(asks("waits", 900, true), { type: "status", id: 1 })
    await run.hears(is("stands"))
    run.destroy()
    await run.closed
    // Whoever is greeted after it finds its place free already.
    for (let at = 0; at < 2; at += 1) (await attach(path)).destroy()
    await held.void()
    await eventually(() => small.supervisor.summary().activeAgents === 1)
    expect(small.supervisor.summary()).toMatchObject({ dailyTokensUsed: 0, uncertainTokens: 0 })
    await own.stop()
    await small.leave()
  })

  it("asked again by a process that comes back at once is held once", async () => {
    const path = newLedger()
    const holding = await hold(path, LIMITS)
    const before = await running(path)
    before.say(asks("h", 900), asks("waits", 900, true))
    await before.hears(about("held", "h"))
    before.destroy()
    const after = await comesBack(path)
    await after.hears(is("granted"))
    after.say(asks("waits", 900, true), ends("h", { as: "void" }))
    await after.hears(about("held", "waits"))
    after.say(ends("waits", { as: "settle", report: report(90, 20) }))
    await after.hears(about("resolved", "waits"))
    expect(holding.supervisor.summary()).toMatchObject({
      dailyTokensUsed: 110,
      agentUsage: [{ heldTokens: 0, state: "running" }],
    })
    await holding.leave()
  })
})

describe("how a call ended", () => {
  it("counts once, however often and to how many holders it is said", async () => {
    const path = newLedger()
    const first = await hold(path, LIMITS)
    const before = await running(path)
    before.say(asks("h", 400))
    await before.hears(about("held", "h"))
    const settle = ends("h", { as: "settle", report: report(90, 20) })
    before.say(settle, settle)
    await before.hears(about("resolved", "h"))
    await first.leave()
    const { holding } = await takeOver(path, LIMITS)
    const after = await comesBack(path)
    after.say(settle, settle)
    await after.hears(about("resolved", "h"))
    const second = await holding
    expect(second.supervisor.summary()).toMatchObject({ dailyTokensUsed: 110, uncertainTokens: 0 })
    expect(await lifeOf(path, "h")).toEqual(["hold_placed", "hold_settled"])
    await second.leave()
  })

  it("corrects the charge when it is known after the agent's end, also of the next holder", async () => {
    const path = newLedger()
    const first = await hold(path, LIMITS)
    const before = await running(path)
    before.say(asks("h", 400), ...over)
    await before.hears(is("ended"))
    await first.leave()
    const second = await hold(path, LIMITS)
    const after = await attach(path)
    const settle = ends("h", { as: "settle", report: report(90, 20) })
    after.say(settle, settle)
    await after.hears(about("resolved", "h"))
    expect(second.supervisor.summary()).toMatchObject({ dailyTokensUsed: 110, uncertainTokens: 0 })
    expect(await lifeOf(path, "h")).toEqual(["hold_placed", "hold_expired", "corrected"])
    await second.leave()
  })
})
