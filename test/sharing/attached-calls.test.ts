/** What an attached run says of its agent's calls, and to whom, while holders come and go. */
import { afterEach, describe, expect, it, vi } from "vitest"
import type { AgentKey, HoldId } from "../../machines/vocabulary.ts"
import type { CallAnswer, CallAsk, HeldCall } from "../../src/host/calls.ts"
import { ANSWERED_WITHIN_MS, AttachedCalls } from "../../src/sharing/attached-calls.ts"
import type { ToHolderChannel } from "../../src/sharing/connect.ts"
import type { ToHolder } from "../../src/sharing/messages.ts"
import { ask, report } from "./calls.contract.ts"

const KEY = "key-1" as AgentKey
const NEVER = new AbortController().signal

const holder = () => {
  const heard: ToHolder[] = []
  const channel: ToHolderChannel = {
    send: (message) => heard.push(message),
    tell: () => {},
    end: () => {},
    destroy: () => {},
    closed: new Promise(() => {}),
  }
  return { channel, heard, words: () => heard.map(wordsOf) }
}

const wordsOf = (message: ToHolder): string =>
  message.type === "resolve" ? message.resolution.as : message.type

const idOf = (message: ToHolder | undefined): HoldId => {
  if (message === undefined || !("id" in message)) throw new Error("no id")
  return message.id as HoldId
}

const linked = () => {
  const calls = new AttachedCalls(KEY)
  const first = holder()
  calls.link(first.channel)
  return { calls, first }
}

const held = async (
  { calls, first }: ReturnType<typeof linked>,
  asked: CallAsk = ask(10),
): Promise<HeldCall> => {
  const answer = calls.hold(asked, NEVER)
  const id = idOf(first.heard.at(-1))
  calls.receive({ type: "held", key: KEY, id, outputTokens: 10, wrapUp: null })
  const given: CallAnswer = await answer
  if (!given.granted) throw new Error("refused")
  return given.held
}

const resolved = (id: string) => ({ type: "resolved", key: KEY, id }) as const

afterEach(() => {
  vi.useRealTimers()
})

describe("after a handover", () => {
  it("what was not answered is said again under its id, what frees room first", async () => {
    const world = linked()
    const { calls, first } = world
    const [one, two] = [await held(world), await held(world)]
    one.settle(report(1, 1))
    calls.hold(ask(10, { queue: true }), NEVER)
    two.charge()
    calls.unlink()
    const second = holder()
    calls.link(second.channel)
    expect(second.words()).toEqual(["settle", "charge", "hold"])
    expect(first.heard).toEqual(expect.arrayContaining([...second.heard]))
  })

  it("what was answered is not said again", async () => {
    const world = linked()
    const { calls } = world
    const one = await held(world)
    const settled = one.settle(report(1, 1))
    calls.receive(resolved(one.id))
    await settled
    const second = holder()
    calls.link(second.channel)
    expect(second.heard).toEqual([])
  })

  it("what was asked and settled between two holders is said to the next one", async () => {
    const world = linked()
    const { calls } = world
    const one = await held(world)
    calls.unlink()
    one.settle(report(1, 1))
    calls.hold(ask(10), NEVER)
    const second = holder()
    calls.link(second.channel)
    expect(second.words()).toEqual(["settle", "hold"])
  })

  it("one that was taken back between two holders is voided: the first may have granted it", async () => {
    const { calls, first } = linked()
    const leaving = new AbortController()
    const answer = calls.hold(ask(10), leaving.signal)
    const id = idOf(first.heard[0])
    calls.unlink()
    leaving.abort()
    expect(await answer).toMatchObject({ granted: false })
    const second = holder()
    calls.link(second.channel)
    expect(second.heard).toEqual([{ type: "resolve", key: KEY, id, resolution: { as: "void" } }])
    calls.receive(resolved(id))
    const third = holder()
    calls.link(third.channel)
    expect(third.heard).toEqual([])
  })

  it("one that was taken back from a holder that died of it is voided at the next", async () => {
    const { calls, first } = linked()
    const leaving = new AbortController()
    const answer = calls.hold(ask(10), leaving.signal)
    leaving.abort()
    await answer
    expect(first.words()).toEqual(["hold", "void"])
    const second = holder()
    calls.link(second.channel)
    expect(second.words()).toEqual(["void"])
  })

  it("a grant of one that was taken back is no call of anybody's", async () => {
    const { calls, first } = linked()
    const leaving = new AbortController()
    const answer = calls.hold(ask(10), leaving.signal)
    const id = idOf(first.heard[0])
    leaving.abort()
    calls.receive({ type: "held", key: KEY, id, outputTokens: 10, wrapUp: null })
    expect(await answer).toMatchObject({ granted: false })
    calls.end()
    calls.receive(resolved(id))
    await calls.over
  })

  it("a grant that is said twice is one call", async () => {
    const world = linked()
    const { calls, first } = world
    const one = await held(world)
    const id = one.id as HoldId
    calls.receive({ type: "held", key: KEY, id, outputTokens: 10, wrapUp: null })
    expect(first.words()).toEqual(["hold"])
  })
})

describe("while nobody answers", () => {
  it.each([
    ["no holder is there", true],
    ["the holder is silent", false],
  ])("a call that does not wait in line is refused in bounded time: %s", async (_, isAlone) => {
    vi.useFakeTimers()
    const { calls } = linked()
    if (isAlone) calls.unlink()
    const answer = calls.hold(ask(10), NEVER)
    await vi.advanceTimersByTimeAsync(ANSWERED_WITHIN_MS)
    expect(await answer).toMatchObject({ refusal: { reason: "ledger_unavailable" } })
    const second = holder()
    calls.link(second.channel)
    // Whoever granted it in the end takes it back.
    expect(second.words()).toEqual(["void"])
  })

  it("one that waits in line waits for as long as its asker does", async () => {
    vi.useFakeTimers()
    const { calls, first } = linked()
    const answer = calls.hold(ask(10, { queue: true }), NEVER)
    await vi.advanceTimersByTimeAsync(10 * ANSWERED_WITHIN_MS)
    const id = idOf(first.heard[0])
    calls.receive({ type: "held", key: KEY, id, outputTokens: 10, wrapUp: null })
    expect(await answer).toMatchObject({ granted: true })
  })

  it("nothing is granted once nobody is left, and nobody waits for an answer", async () => {
    const world = linked()
    const { calls } = world
    const one = await held(world)
    calls.unlink()
    const settling = one.settle(report(1, 1))
    const waiting = calls.hold(ask(10, { queue: true }), NEVER)
    calls.abandon()
    await settling
    await calls.over
    expect(await waiting).toMatchObject({ refusal: { reason: "ledger_unavailable" } })
    expect(await calls.hold(ask(10), NEVER)).toMatchObject({ granted: false })
  })
})

describe("what a holder could not write", () => {
  it("fails for its asker, and is said to the next holder all the same", async () => {
    const world = linked()
    const { calls } = world
    const one = await held(world)
    const settled = one.settle(report(1, 1))
    const why = { reason: "full", path: "/l", message: "the disk is full" } as const
    calls.receive({ type: "unwritten", key: KEY, id: one.id, ...why })
    await expect(settled).rejects.toMatchObject({ _tag: "LedgerUnavailable", ...why })
    const second = holder()
    calls.link(second.channel)
    expect(second.words()).toEqual(["settle"])
    calls.receive(resolved(one.id))
    calls.end()
    await calls.over
  })
})

describe("after the agent's end", () => {
  it("its calls are over once what the last one came to is written", async () => {
    const world = linked()
    const { calls } = world
    const one = await held(world)
    calls.end()
    let isOver = false
    calls.over.then(() => {
      isOver = true
    })
    const settled = one.settle(report(1, 1))
    await Promise.resolve()
    expect(isOver).toBe(false)
    calls.receive(resolved(one.id))
    await settled
    await calls.over
  })
})
