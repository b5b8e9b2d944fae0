/**
 * Real SDKs through the gateway on a real supervisor. Whatever they go through, at the end nothing is
 * held and the ledger on disk says what the provider has billed.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { textOf } from "../gateway/model-answers.ts"
import { SDKS, type Sdk } from "./sdk-clients.ts"
import { openSupervisor, type SharedSupervisor, type SupervisedWorld } from "./supervised-world.ts"

const PLENTY = 1_000_000

/** Some SDKs show the words inside the JSON that they came in. */
const SAID =
  /Budget exhausted for agent \\?"[^"\\]+\\?": agent_token_limit: asked \d+, used 0 and held 0 of 20/

let supervisor: SharedSupervisor
let world: SupervisedWorld
beforeAll(async () => {
  supervisor = await openSupervisor()
})
afterAll(() => supervisor.close())

const expectBooksAgree = async (): Promise<void> => {
  await world.idle()
  const { inputTokens, outputTokens } = world.billed()
  const charged = { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens }
  expect(world.agent()).toMatchObject({ ...charged, heldTokens: 0, enforcement: "reserved" })
  expect(await world.onDisk()).toEqual(charged)
}

const wordsOf = async (stream: AsyncIterable<string>): Promise<string> => {
  let words = ""
  for await (const piece of stream) words += piece
  return words
}

const thrownBy = async (work: Promise<unknown>): Promise<Error> => {
  const thrown = await work.then(
    () => null,
    (error: unknown) => error,
  )
  if (!(thrown instanceof Error)) throw new Error("nothing was thrown")
  return thrown
}

describe.each(SDKS)("$name", (sdk: Sdk) => {
  beforeEach(async () => {
    world = await supervisor.open(PLENTY)
  })
  afterEach(() => world.close())

  it("hears a whole answer", async () => {
    const words = await sdk.open(world.admitted).plain()
    expect(words).toBe(textOf(50))
    expect(world.requests).toHaveLength(1)
    await expectBooksAgree()
  })

  it("hears a stream", async () => {
    const words = await wordsOf(sdk.open(world.admitted).stream())
    expect(words).toBe(textOf(50))
    expect(world.requests).toHaveLength(1)
    await expectBooksAgree()
  })

  it("uses a tool and says what came of it", async () => {
    world.models.script = { toolCalls: 1, command: "Bern" }
    const asked: unknown[] = []
    const words = await sdk.open(world.admitted).useTool((city) => {
      asked.push(city)
      return "sunny as never before"
    })
    expect(asked).toEqual(["Bern"])
    expect(words).toBe(textOf(50))
    expect(world.models.calls.map(({ body }) => body.includes("sunny as never before"))).toEqual([
      false,
      true,
    ])
    await expectBooksAgree()
  })

  it.each([400, 429, 500, 529])("throws its own error at the provider's %i", async (status) => {
    const headers = { "retry-after": "7", "request-id": "req-7" }
    world.models.fault = { kind: "status", status, headers }
    const error = await thrownBy(sdk.open(world.admitted, 0).plain())
    expect(sdk.isOwnError(error), String(error)).toBe(true)
    expect(sdk.statusOf(error)).toBe(status)
    expect(error.message).toContain(`status ${status}`)
    expect(world.requests).toHaveLength(1)
    await expectBooksAgree()
  })

  it.runIf(sdk.retries)("asks again when the provider says when, and is billed once", async () => {
    const headers = { "retry-after": "0", "retry-after-ms": "1" }
    world.models.faults.push({ kind: "status", status: 429, headers })
    expect(await sdk.open(world.admitted).plain()).toBe(textOf(50))
    expect(world.requests).toHaveLength(2)
    expect(world.models.calls).toHaveLength(2)
    await expectBooksAgree()
  })

  it("throws at an error inside a stream that had not begun, which costs nothing", async () => {
    world.models.fault = { kind: "errorEvent", after: "nothing" }
    const error = await thrownBy(wordsOf(sdk.open(world.admitted, 0).stream()))
    expect(String(error.message)).toContain("overloaded")
    expect(world.billed()).toEqual({ inputTokens: 0, outputTokens: 0 })
    await expectBooksAgree()
  })

  it("throws at an error in the middle of a stream, which is charged as it was held", async () => {
    world.models.fault = { kind: "errorEvent", after: "half" }
    let words = ""
    const read = async (): Promise<void> => {
      for await (const piece of sdk.open(world.admitted, 0).stream()) words += piece
    }
    const error = await thrownBy(read())
    expect(String(error.message)).toContain("overloaded")
    expect(words).toContain("tok ")
    await world.idle()
    const { inputTokens, outputTokens } = world.billed()
    expect(outputTokens).toBeGreaterThan(0)
    const { totalTokens, heldTokens } = world.agent()
    expect(heldTokens).toBe(0)
    expect(totalTokens).toBeGreaterThanOrEqual(inputTokens + outputTokens)
    expect(await world.holdsOnDisk()).toMatchObject([
      { kind: "hold_placed", tokens: totalTokens },
      { kind: "hold_expired", heldTokens: totalTokens },
    ])
    // Nobody can say which kinds of tokens it came to.
    expect(await world.onDisk()).toEqual({ inputTokens: 0, outputTokens: 0, totalTokens })
  })

  it("goes in the middle of a stream, and what was still made is counted", async () => {
    const gone = new AbortController()
    const seen = Promise.withResolvers<void>()
    // Sent until words have come to the client; the rest is made when it has gone.
    let sent = 0
    world.models.fault = {
      kind: "stepwise",
      next: async () => {
        sent += 1
        if (sent > 5) await seen.promise
      },
    }
    const read = async (): Promise<void> => {
      for await (const piece of sdk.open(world.admitted, 0).stream(gone.signal))
        if (piece !== "") gone.abort()
    }
    await read().catch(() => undefined)
    expect(gone.signal.aborted).toBe(true)
    expect(world.agent().heldTokens).toBeGreaterThan(0)
    seen.resolve()
    await world.idle()
    expect(world.billed().outputTokens).toBe(50)
    expect(world.requests).toHaveLength(1)
    await expectBooksAgree()
  })
})

describe.each(SDKS)("$name at a limit", (sdk: Sdk) => {
  beforeEach(async () => {
    world = await supervisor.open(20)
  })
  afterEach(() => world.close())

  it.each([
    ["a whole answer", (opened: ReturnType<Sdk["open"]>) => opened.plain()],
    ["a stream", (opened: ReturnType<Sdk["open"]>) => wordsOf(opened.stream())],
  ])("throws its own error that says why, and asks once: %s", async (_, ask) => {
    const error = await thrownBy(ask(sdk.open(world.admitted)))
    expect(sdk.isOwnError(error), String(error)).toBe(true)
    expect(sdk.statusOf(error)).toBe(sdk.refusalStatus)
    expect(error.message).toMatch(SAID)
    expect(world.requests).toHaveLength(1)
    expect(world.models.calls).toEqual([])
    await expectBooksAgree()
  })
})
