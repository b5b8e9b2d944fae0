/** Whatever goes wrong at the provider or the client, over real sockets: one end for each hold. */
import { afterEach, describe, expect, it } from "vitest"
import type { HoldEnd } from "./budgeted-agent.ts"
import { totalOf } from "./budgeted-agent.ts"
import {
  anthropicBody,
  chatBody,
  openWorld,
  type World,
  type WorldOptions,
} from "./gateway-world.ts"
import type { Fault } from "./model-server.ts"
import { type Answer, begin, closedPort, send } from "./wire.ts"

let world: World | null = null
afterEach(async () => {
  await world?.close()
  world = null
})

const open = async (options: WorldOptions = {}): Promise<World> => {
  world = await openWorld(options)
  return world
}

const ask = (w: World, stream: boolean): Promise<Answer> =>
  send(`${w.base()}/v1/messages`, { headers: w.keyed(), body: anthropicBody({ stream }) })

const ends = (w: World): readonly (HoldEnd | null)[] => w.agent.holds.map(({ end }) => end)

/** Nothing is open, and what was charged is no less than what was billed. */
const expectEnded = (w: World): void => {
  expect(w.agent.open).toEqual([])
  expect(w.agent.holds.map((hold) => hold.ends)).toEqual(w.agent.holds.map(() => 1))
  const billed = w.models.calls.reduce((sum, call) => sum + call.inputTokens + call.outputTokens, 0)
  expect(w.agent.used).toBeGreaterThanOrEqual(billed)
}

const settled = (w: World) => {
  const [end] = ends(w)
  if (end?.kind !== "settled") throw new Error(`not settled: ${JSON.stringify(end)}`)
  return end.report
}

describe("a provider that", () => {
  it("refuses connections: the hold is given back and the client told", async () => {
    const port = await closedPort()
    const w = await open({ upstream: { baseUrl: `http://127.0.0.1:${port}` } })
    const answer = await ask(w, false)
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body.toString()).error.message).toContain("ECONNREFUSED")
    expect(ends(w)).toEqual([{ kind: "voided" }])
  })

  it("has no name: the hold is given back", async () => {
    const w = await open({ upstream: { baseUrl: "http://no-such-host.invalid" } })
    expect((await ask(w, false)).status).toBe(502)
    expect(ends(w)).toEqual([{ kind: "voided" }])
  })

  for (const stream of [false, true]) {
    const how = stream ? ", streaming" : ""
    it(`resets before its head is charged${how}`, async () => {
      const w = await open()
      w.models.fault = { kind: "resetBeforeHeaders" }
      const answer = await ask(w, stream)
      expect(answer.status).toBe(502)
      expect(answer.body.toString()).toContain("broke off before it answered")
      expect(ends(w)).toEqual([{ kind: "charged" }])
      expectEnded(w)
    })

    it(`resets after its head is charged, and the client sees it${how}`, async () => {
      const w = await open()
      w.models.fault = { kind: "resetAfterHeaders" }
      const answer = await ask(w, stream)
      expect(stream ? answer.wasCut : answer.status).toBe(stream || 502)
      expect(ends(w)).toEqual([{ kind: "charged" }])
      expectEnded(w)
    })

    it(`falls silent before its head: 504, charged${how}`, async () => {
      const w = await open({ settings: { idleMs: 60 } })
      w.models.fault = { kind: "silence", after: "request" }
      expect((await ask(w, stream)).status).toBe(504)
      expect(ends(w)).toEqual([{ kind: "charged" }])
      expectEnded(w)
    })

    it(`falls silent after its head is charged, and the client sees it${how}`, async () => {
      const w = await open({ settings: { idleMs: 60 } })
      w.models.fault = { kind: "silence", after: "headers" }
      const answer = await ask(w, stream)
      expect(stream ? answer.wasCut : answer.status).toBe(stream || 504)
      expect(ends(w)).toEqual([{ kind: "charged" }])
      expectEnded(w)
    })
  }

  for (const fault of [
    { kind: "halfStream" },
    { kind: "silence", after: "half" },
  ] as const satisfies readonly Fault[]) {
    it(`stops half way (${fault.kind}): it is charged as it was held`, async () => {
      const w = await open({ settings: { idleMs: 60 } })
      w.models.answerTokens = 400
      w.models.fault = fault
      const answer = await ask(w, true)
      expect(answer.wasCut).toBe(true)
      expect(answer.body.toString()).toContain("tok tok")
      expect(w.agent.holds[0]?.end).toEqual({ kind: "charged" })
      expectEnded(w)
    })
  }

  it("fails inside a stream before any answer bills nothing", async () => {
    const w = await open()
    w.models.fault = { kind: "errorEvent", after: "nothing" }
    const url = `${w.base("openai")}/v1/chat/completions`
    const answer = await send(url, { headers: w.keyed(), body: chatBody({ stream: true }) })
    expect(answer.body.toString()).toContain("overloaded")
    expect(settled(w)).toMatchObject({ provenance: "reported", costMicroUsd: 0 })
    expect(totalOf(settled(w))).toBe(0)
  })

  it("fails inside a stream half way is charged as it was held", async () => {
    const w = await open()
    w.models.answerTokens = 400
    w.models.fault = { kind: "errorEvent", after: "half" }
    const answer = await ask(w, true)
    expect(answer.wasCut).toBe(false)
    expect(w.agent.holds[0]?.end).toEqual({ kind: "charged" })
    expectEnded(w)
  })

  for (const [status, headers] of [
    [400, {}],
    [401, {}],
    [403, {}],
    [404, {}],
    [413, {}],
    [422, {}],
    [429, {}],
    [429, { "Retry-After": "7" }],
    [500, {}],
    [503, { "Retry-After": "1" }],
    [529, {}],
  ] as const) {
    it(`answers ${status} ${JSON.stringify(headers)} is passed on as it is, and bills nothing`, async () => {
      const w = await open()
      w.models.fault = { kind: "status", status, headers }
      const answer = await ask(w, true)
      expect(answer.status).toBe(status)
      expect(answer.headers["retry-after"]).toBe(Object.values(headers)[0])
      expect(JSON.parse(answer.body.toString()).error.message).toBe(`status ${status}`)
      expect(totalOf(settled(w))).toBe(0)
      expect(settled(w).provenance).toBe("reported")
      expect(w.models.calls).toHaveLength(1)
    })
  }

  for (const status of [408, 409, 504]) {
    it(`answers ${status} is charged: the model may have run`, async () => {
      const w = await open()
      w.models.fault = { kind: "status", status }
      expect((await ask(w, false)).status).toBe(status)
      expect(ends(w)).toEqual([{ kind: "charged" }])
    })
  }

  for (const stream of [false, true]) {
    it(`says what is no JSON${stream ? " in its events" : ""} passes, and is paid for`, async () => {
      const w = await open()
      w.models.fault = { kind: "malformed" }
      const answer = await ask(w, stream)
      expect(answer.status).toBe(200)
      expect(() => JSON.parse(answer.body.toString())).toThrow()
      expectEnded(w)
    })

    it(`calls its answer something else${stream ? ", streaming," : ""} is metered all the same`, async () => {
      const w = await open()
      w.models.fault = { kind: "wrongContentType" }
      const answer = await ask(w, stream)
      expect(answer.headers["content-type"]).toBe("text/plain")
      expect(settled(w)).toMatchObject({ provenance: "reported", usage: { outputTokens: 50 } })
    })

    it(`says no usage${stream ? " in its stream" : ""} is estimated from what was seen`, async () => {
      const w = await open()
      w.models.fault = { kind: "saysNoUsage" }
      const url = `${w.base("openai")}/v1/chat/completions`
      await send(url, { headers: w.keyed(), body: chatBody({ stream }) })
      expect(settled(w).provenance).toBe("estimated")
      expect(settled(w).usage.outputTokens).toBeGreaterThanOrEqual(50)
      expectEnded(w)
    })

    it(`answers without end${stream ? " of its stream" : ""} is passed on and metered`, async () => {
      const w = await open()
      w.models.fault = { kind: "huge", bytes: 8 * 1024 * 1024 }
      const answer = await ask(w, stream)
      expect(answer.body.length).toBeGreaterThan(8 * 1024 * 1024)
      expect(settled(w)).toMatchObject({ provenance: "reported", usage: { outputTokens: 50 } })
    })
  }

  it("that is long leaves no listener behind for each of its pieces", async () => {
    const warnings: string[] = []
    const note = ({ name }: Error): number => warnings.push(name)
    process.on("warning", note)
    const w = await open()
    w.models.fault = { kind: "huge", bytes: 32 * 1024 * 1024 }
    await ask(w, true)
    process.off("warning", note)
    expect(warnings).toEqual([])
  })

  it("goes beyond its cap is settled in full", async () => {
    const w = await open()
    w.models.fault = { kind: "ignoresCap", outputTokens: 5_000 }
    await ask(w, false)
    expect(settled(w).usage.outputTokens).toBe(5_000)
    expect(totalOf(settled(w))).toBeGreaterThan(w.agent.holds[0]?.tokens ?? 0)
  })

  it("sends trailers has them passed on", async () => {
    const w = await open()
    w.models.fault = { kind: "trailers" }
    expect((await ask(w, true)).trailers).toEqual({ "x-served-by": "model-7" })
  })
})

/** Each piece is sent when the test says so. */
const stepper = () => {
  let wake: () => void = () => undefined
  let allowed = 0
  const next = async (): Promise<void> => {
    while (allowed <= 0) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    allowed -= 1
  }
  const allow = (pieces: number): void => {
    allowed += pieces
    wake()
  }
  return { fault: { kind: "stepwise", next } as const, allow }
}

describe("a client that", () => {
  it("leaves half way: the answer is read on for its true usage", async () => {
    const w = await open()
    const { fault, allow } = stepper()
    w.models.fault = fault
    allow(4)
    const sent = { headers: w.keyed(), body: anthropicBody({ stream: true }) }
    const call = begin(`${w.base()}/v1/messages`, sent)
    await call.head
    call.leave()
    allow(1_000)
    await w.agent.until(({ open: left, holds }) => holds.length === 1 && left.length === 0)
    expect(settled(w)).toMatchObject({
      provenance: "reported",
      usage: { inputTokens: w.models.calls[0]?.inputTokens, outputTokens: 50 },
    })
    expect(w.models.calls[0]?.wasCut).toBe(false)
  })

  it("leaves before the head: the answer is read all the same", async () => {
    const w = await open()
    const { fault, allow } = stepper()
    w.models.fault = fault
    const sent = { headers: w.keyed(), body: anthropicBody({ stream: true }) }
    const call = begin(`${w.base()}/v1/messages`, sent)
    while (w.models.calls.length === 0) await new Promise((resolve) => setImmediate(resolve))
    call.leave()
    allow(1_000)
    await w.agent.until(({ open: left, holds }) => holds.length === 1 && left.length === 0)
    expect(settled(w).provenance).toBe("reported")
  })

  it("leaves an answer that does not end: charged when the time is over", async () => {
    const w = await open({ settings: { drainMs: 60 } })
    const { fault, allow } = stepper()
    w.models.fault = fault
    allow(4)
    const sent = { headers: w.keyed(), body: anthropicBody({ stream: true }) }
    const call = begin(`${w.base()}/v1/messages`, sent)
    await call.head
    call.leave()
    await w.agent.until(({ open: left, holds }) => holds.length === 1 && left.length === 0)
    expect(ends(w)).toEqual([{ kind: "charged" }])
    allow(1_000)
    expectEnded(w)
  })

  it("leaves an answer that is too long: charged when the bytes are over", async () => {
    const w = await open({ settings: { drainBytesMax: 100_000 } })
    w.models.fault = { kind: "huge", bytes: 64 * 1024 * 1024 }
    w.models.answerTokens = 20_000
    const url = `${w.base("openai")}/v1/chat/completions`
    const call = begin(url, { headers: w.keyed(), body: chatBody({ stream: true }) })
    await call.head
    call.leave()
    await w.agent.until(({ open: left, holds }) => holds.length === 1 && left.length === 0)
    expect(ends(w)).toEqual([{ kind: "charged" }])
  })

  it("leaves while it waits in line: nothing is held for it and nothing is sent", async () => {
    const w = await open({ agent: { limit: 3_000 } })
    const { fault, allow } = stepper()
    w.models.fault = fault
    const url = `${w.base("openai")}/v1/chat/completions`
    const first = begin(url, {
      headers: w.keyed(),
      body: chatBody({ max_tokens: 2_700, stream: true }),
    })
    await w.agent.until(({ holds }) => holds.length === 1)
    const second = begin(url, { headers: w.keyed(), body: chatBody({ max_tokens: 2_700 }) })
    await w.agent.until(({ inLine }) => inLine === 1)
    second.leave()
    while (w.agent.inLine > 0) await new Promise((resolve) => setImmediate(resolve))
    allow(1_000)
    await first.answer
    expect(w.models.calls).toHaveLength(1)
    expect(w.agent.holds).toHaveLength(1)
    expectEnded(w)
  })

  it("does not read: the provider is not read either", async () => {
    const w = await open()
    w.models.fault = { kind: "huge", bytes: 256 * 1024 * 1024 }
    const sent = { headers: w.keyed(), body: anthropicBody({ stream: true }) }
    const call = begin(`${w.base()}/v1/messages`, sent)
    const response = await call.head
    response.pause()
    const written = (): number => w.models.calls[0]?.fillerBytes ?? 0
    // Until the buffers on the way are full: nothing more gets through for many turns.
    for (let still = 0, last = -1; still < 500; last = written()) {
      await new Promise((resolve) => setImmediate(resolve))
      still = written() === last && last > 0 ? still + 1 : 0
    }
    expect(written()).toBeLessThan(64 * 1024 * 1024)
    call.leave()
    await w.agent.until(({ open: left }) => left.length === 0)
    expectEnded(w)
  })
})

describe("after all of it", () => {
  it("no hold and no connection is left", async () => {
    const w = await open({ settings: { idleMs: 60, drainMs: 60 } })
    const faults: readonly (Fault | null)[] = [
      null,
      { kind: "resetBeforeHeaders" },
      { kind: "halfStream" },
      { kind: "silence", after: "headers" },
      { kind: "status", status: 500 },
      { kind: "malformed" },
      null,
    ]
    for (const fault of faults) {
      w.models.fault = fault
      await Promise.all([ask(w, true), ask(w, false), ask(w, true)])
    }
    expectEnded(w)
    await w.gateway.close()
    while (w.models.sockets() > 0) await new Promise((resolve) => setImmediate(resolve))
    expect(w.agent.holds).toHaveLength(21)
  })
})
