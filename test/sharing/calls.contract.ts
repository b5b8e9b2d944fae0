/**
 * What `AgentCalls` promises, wherever the calls are decided: told once, and held to by the
 * supervisor's own and by those that pass a channel.
 */
import { afterEach, describe, expect, it } from "vitest"
import type { Row } from "../../machines/budget/row.ts"
import type { CallAnswer, CallAsk, CallReport, HeldCall } from "../../src/host/calls.ts"
import { type CallsWorld, openCallsWorld } from "./calls-world.ts"

export const ask = (most: number, more: Partial<CallAsk> = {}): CallAsk => ({
  bound: { inputTokens: 100, outputTokens: { least: 10, most }, answers: 1, price: null },
  isBounded: true,
  queue: false,
  isTentative: false,
  claims: "reserved",
  ...more,
})

export const report = (inputTokens: number, outputTokens: number): CallReport => ({
  usage: { inputTokens, outputTokens, cacheWriteTokens: 0, cacheReadTokens: 0 },
  provenance: "reported",
  model: "m",
  costMicroUsd: 7,
})

const NEVER = new AbortController().signal

const grantedOf = (answer: CallAnswer): HeldCall => {
  if (!answer.granted) throw new Error(`refused: ${JSON.stringify(answer.refusal)}`)
  return answer.held
}

const ENDS: ReadonlySet<Row["kind"]> = new Set(["hold_settled", "hold_voided", "hold_expired"])

/** Each hold that was placed ended as often as it says here. */
const endsOf = (rows: readonly Row[]): readonly number[] =>
  rows
    .flatMap((placed) =>
      placed.kind === "hold_placed"
        ? [
            rows.filter(
              (row) => ENDS.has(row.kind) && "holdId" in row && row.holdId === placed.holdId,
            ),
          ]
        : [],
    )
    .map((ends) => ends.length)

const turns = async (count: number): Promise<void> => {
  for (let at = 0; at < count; at += 1) await Promise.resolve()
}

export const describeAgentCalls = (name: string, where: CallsWorld["role"]): void => {
  describe(name, () => {
    let world: CallsWorld
    const open = async (limit: number, more: Readonly<Record<string, string>> = {}) => {
      world = await openCallsWorld(where, { "per-agent-token-limit": String(limit), ...more })
      return world.calls
    }
    afterEach(() => world.close())

    it("a call that fits is granted all that it asks for, and held", async () => {
      const calls = await open(1_000)
      const held = grantedOf(await calls.hold(ask(400), NEVER))
      expect(held).toMatchObject({ outputTokens: 400, wrapUp: null })
      expect(await world.standing()).toMatchObject({ heldTokens: 500, totalTokens: 0 })
      await held.settle(report(90, 20))
      expect(await world.standing()).toMatchObject({ heldTokens: 0, totalTokens: 110 })
    })

    it("a longer one is cut to what is left", async () => {
      const calls = await open(1_000)
      expect(grantedOf(await calls.hold(ask(5_000), NEVER)).outputTokens).toBe(900)
    })

    it("a tentative one is granted whole or not at all, and to be declined is no refusal", async () => {
      const calls = await open(1_000)
      for (let at = 0; at < 5; at += 1) {
        const answer = await calls.hold(ask(5_000, { isTentative: true }), NEVER)
        expect(answer).toMatchObject({ granted: false })
      }
      expect(grantedOf(await calls.hold(ask(900, { isTentative: true }), NEVER))).toBeDefined()
      expect((await world.rows()).filter(({ kind }) => kind === "refused")).toEqual([])
    })

    it("what does not fit is refused with its numbers", async () => {
      const calls = await open(1_000)
      const first = grantedOf(await calls.hold(ask(500), NEVER))
      await first.settle(report(300, 200))
      grantedOf(await calls.hold(ask(300), NEVER))
      const refusal = { reason: "agent_token_limit", limit: 1_000, used: 500, held: 400 }
      expect(await calls.hold(ask(10), NEVER)).toEqual({
        granted: false,
        refusal: { ...refusal, asked: 110, retryAt: null, never: false },
      })
    })

    it("what can never fit is refused for good, and ends its agent", async () => {
      const calls = await open(50)
      const answer = await calls.hold(ask(10, { queue: true }), NEVER)
      expect(answer).toMatchObject({ refusal: { asked: 110, limit: 50, never: true } })
      expect((await world.ended).reason).toBe("agent_token_limit")
    })

    it("what is left for winding down is granted as that, with what remains", async () => {
      const calls = await open(1_000, { "reserve-for-wrap-up": "400" })
      await grantedOf(await calls.hold(ask(400), NEVER)).settle(report(100, 450))
      const last = grantedOf(await calls.hold(ask(200), NEVER))
      expect(last).toMatchObject({ outputTokens: 200, wrapUp: { remainingTokens: 150 } })
    })

    it("whoever waits in line is let in when a sibling ends, in order", async () => {
      const calls = await open(1_000)
      const first = grantedOf(await calls.hold(ask(900), NEVER))
      const order: string[] = []
      const wait = async (as: string): Promise<HeldCall> => {
        const held = grantedOf(await calls.hold(ask(300, { queue: true }), NEVER))
        order.push(as)
        return held
      }
      const [second, third] = [wait("second"), wait("third")]
      await world.standing()
      expect(order).toEqual([])
      await first.settle(report(200, 400))
      await (await second).settle(report(50, 0))
      await (await third).void()
      expect(order).toEqual(["second", "third"])
      expect(await world.standing()).toMatchObject({ heldTokens: 0, totalTokens: 650 })
    })

    it("a fan-out on a small limit gets through one after another", async () => {
      const calls = await open(3_200)
      const answers = Array.from({ length: 30 }, async () => {
        const held = grantedOf(await calls.hold(ask(3_000, { queue: true }), NEVER))
        await held.settle(report(80, 20))
      })
      await Promise.all(answers)
      expect(await world.standing()).toMatchObject({ totalTokens: 3_000, heldTokens: 0 })
      expect(await world.standing()).toMatchObject({ state: "running", reason: null })
    })

    it("one that was taken back before it was asked leaves no trace", async () => {
      const calls = await open(50)
      for (let at = 0; at < 4; at += 1)
        expect(await calls.hold(ask(10), AbortSignal.abort())).toMatchObject({ granted: false })
      expect(await world.standing()).toMatchObject({ state: "running" })
      const kinds = (await world.rows()).map(({ kind }) => kind)
      expect(kinds).not.toContain("refused")
      expect(kinds).not.toContain("hold_placed")
    })

    it("one that is taken back in line is answered, and is in nobody's way", async () => {
      const calls = await open(1_000)
      const first = grantedOf(await calls.hold(ask(900), NEVER))
      const leaving = new AbortController()
      const second = calls.hold(ask(900, { queue: true }), leaving.signal)
      const third = calls.hold(ask(10, { queue: true }), NEVER)
      await world.standing()
      leaving.abort()
      expect(await second).toMatchObject({ granted: false })
      await first.settle(report(0, 0))
      await grantedOf(await third).void()
      expect(endsOf(await world.rows())).toEqual([1, 1])
    })

    it("one that is taken back at any moment of its granting is not left held", async () => {
      const calls = await open(1_000)
      for (let at = 0; at < 40; at += 1) {
        const first = grantedOf(await calls.hold(ask(900), NEVER))
        const leaving = new AbortController()
        const second = calls.hold(ask(900, { queue: true }), leaving.signal)
        const settled = first.settle(report(0, 0))
        // Early in the turn, in later ones, and after more of them than it takes.
        if (at < 20) await turns(at)
        else for (let turn = 20; turn < at; turn += 1) await new Promise(setImmediate)
        leaving.abort()
        const answer = await second
        if (answer.granted) await answer.held.void()
        await settled
        expect(await world.standing()).toMatchObject({ heldTokens: 0 })
      }
      // Written after all that came before it.
      await grantedOf(await calls.hold(ask(10), NEVER)).void()
      const ends = endsOf(await world.rows())
      expect(ends.filter((count) => count !== 1)).toEqual([])
    })

    it("one that is taken back after it was granted stays held until its end is said", async () => {
      const calls = await open(1_000)
      const leaving = new AbortController()
      const held = grantedOf(await calls.hold(ask(400), leaving.signal))
      leaving.abort()
      expect(await world.standing()).toMatchObject({ heldTokens: 500 })
      await held.settle(report(10, 1))
      expect(await world.standing()).toMatchObject({ heldTokens: 0, totalTokens: 11 })
    })

    it.each([
      ["settled", { kind: "hold_settled", usage: report(10, 1).usage, costMicroUsd: 7 }, 11, 0],
      ["charged", { kind: "hold_expired", heldTokens: 500 }, 500, 500],
      ["voided", { kind: "hold_voided", heldTokens: 500 }, 0, 0],
    ] as const)(
      "one that is %s counts so once, whatever is said after it",
      async (as, row, used, uncertain) => {
        const calls = await open(1_000)
        const held = grantedOf(await calls.hold(ask(400), NEVER))
        const ends = {
          settled: () => held.settle(report(10, 1)),
          charged: () => held.charge(),
          voided: () => held.void(),
        }
        await ends[as]()
        await Promise.all([held.settle(report(500, 500)), held.void(), held.charge(), ends[as]()])
        const rows = await world.rows()
        expect(rows.filter(({ kind }) => ENDS.has(kind) || kind === "corrected")).toMatchObject([
          row,
        ])
        expect(await world.standing()).toMatchObject({ heldTokens: 0, totalTokens: used })
        expect((await world.summary()).uncertainTokens).toBe(uncertain)
      },
    )

    it("one whose end is known only after its agent's is charged, and then corrected", async () => {
      const calls = await open(1_000)
      const late = grantedOf(await calls.hold(ask(400), NEVER))
      world.finish()
      await world.ended
      expect(await world.summary()).toMatchObject({ dailyTokensUsed: 500, uncertainTokens: 500 })
      await Promise.all([late.settle(report(90, 20)), late.settle(report(90, 20))])
      expect(await world.summary()).toMatchObject({ dailyTokensUsed: 110, uncertainTokens: 0 })
      expect((await world.rows()).filter(({ kind }) => kind === "corrected")).toHaveLength(1)
    })

    it("after its agent's end nothing is granted, and nothing waits", async () => {
      const calls = await open(1_000)
      grantedOf(await calls.hold(ask(900), NEVER))
      const waiting = calls.hold(ask(900, { queue: true }), NEVER)
      await world.standing()
      world.finish()
      expect(await waiting).toMatchObject({ granted: false })
      await world.ended
      expect(await calls.hold(ask(10), NEVER)).toMatchObject({ granted: false })
    })

    it("an agent's own account is held against what was counted, and what nobody saw is added", async () => {
      const calls = await open(10_000)
      await grantedOf(await calls.hold(ask(400), NEVER)).settle(report(90, 20))
      const usage = { ...report(190, 40).usage }
      await calls.compare({ meter: "claude-code", usage, model: null })
      expect(await world.standing()).toMatchObject({ totalTokens: 230 })
      await calls.compare({ meter: "claude-code", usage, model: null })
      expect(await world.standing()).toMatchObject({ totalTokens: 230 })
    })
  })
}
