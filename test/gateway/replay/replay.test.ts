/**
 * Streams through the whole gateway: the same bytes arrive, and the ledger has what they say, wherever
 * they are cut. All cuts of every small recording: STINT_EVERY_CUT=1.
 */
import { brotliCompressSync, gzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Usage } from "../../../machines/vocabulary.ts"
import { recorded } from "../answers.ts"
import { lastWordOf, RECORDED, type Recorded, randomCuts, withoutAdded } from "../recordings.ts"
import { byteByByte, cutAt } from "../sse/reference.ts"
import { FIXTURES, type Fixture } from "./fixtures.ts"
import { openStage, type Replay, type Shape, type Stage } from "./stage.ts"

/** Recordings up to this are cut at every place. */
const SMALL_BYTES = process.env.STINT_EVERY_CUT === undefined ? 1_100 : 3_500
/** Calls under way at once: a small machine is not quicker with more. */
const AT_ONCE = 16

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})

afterAll(() => stage.close())

const shapeOf = ({ file }: Recorded): Shape => {
  if (file.startsWith("anthropic")) return "messages"
  if (file.includes("streamGenerateContent")) return "gemini"
  return file.includes("-responses/") ? "responses" : "chat"
}

const usageOf = (one: Recorded): Usage | null => {
  const said = lastWordOf(one).usage()
  if (said === null) return null
  const total = { inputTokens: 0, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 }
  for (const { usage } of said.parts) {
    total.inputTokens += usage.inputTokens
    total.outputTokens += usage.outputTokens
    total.cacheWriteTokens += usage.cacheWriteTokens
    total.cacheReadTokens += usage.cacheReadTokens
  }
  return total
}

const asFixture = (one: Recorded): Fixture => ({
  name: one.file,
  shape: shapeOf(one),
  bytes: recorded(`sse/${one.file}`),
  usage: usageOf(one),
})

/** Each of these replays arrives as `bytes`, in no fewer pieces than it was said, and is counted. */
const arrives = async (
  replays: Iterable<Replay>,
  bytes: Buffer,
  { usage }: Fixture,
): Promise<void> => {
  const waiting = replays[Symbol.iterator]()
  let count = 0
  const one = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) {
      const replay = next.value
      count += 1
      const heard = await stage.replay(replay)
      if (!heard.bytes.equals(bytes)) throw new Error("other bytes arrived")
      if (heard.encoding !== replay.encoding) throw new Error("the encoding was not told")
      const said = replay.chunks.filter(({ length }) => length > 0).length
      if (replay.inStep !== false && heard.pieces < said) throw new Error("the cuts were lost")
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  const written = await stage.written()
  expect(written).toHaveLength(count)
  if (usage === null) {
    expect(written.filter(({ provenance }) => provenance === "reported")).toEqual([])
    return
  }
  const different = new Set(written.map((each) => JSON.stringify(each)))
  expect([...different].map((each) => JSON.parse(each))).toEqual([
    { usage, provenance: "reported" },
  ])
}

const everyCut = function* ({ shape, bytes }: Fixture): Generator<Replay> {
  for (let at = 1; at < bytes.length; at += 1) yield { shape, chunks: cutAt(bytes, [at]) }
}

describe.each(FIXTURES.map((each) => [each.name, each] as const))("%s stream", (_, fixture) => {
  const { shape, bytes } = fixture

  it("arrives as it was said and is counted, cut in two anywhere", async () => {
    await arrives(everyCut(fixture), bytes, fixture)
  })

  it("arrives as it was said and is counted, byte by byte", async () => {
    await arrives([{ shape, chunks: byteByByte(bytes) }], bytes, fixture)
  })

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
  ] as const)(
    "arrives in %s as it was said and is counted, cut in two anywhere",
    async (encoding, encode) => {
      const encoded = encode(bytes)
      const cuts = [...everyCut({ ...fixture, bytes: encoded })]
      await arrives(
        cuts.map((replay) => ({ ...replay, encoding })),
        encoded,
        fixture,
      )
    },
  )
})

describe("a stream whose usage only the gateway asked for", () => {
  it.each(FIXTURES.filter(({ shape }) => shape === "chat" || shape === "completions"))(
    "$name arrives without it and is counted, cut in two anywhere",
    async (fixture) => {
      const asked = [...everyCut(fixture)].map((replay) => ({
        ...replay,
        asksUsage: false,
        inStep: false,
      }))
      const kept = withoutAdded(fixture.bytes)
      expect(kept.length).toBeLessThan(fixture.bytes.length)
      await arrives(asked, kept, fixture)
    },
  )
})

describe.skipIf(RECORDED.length === 0)("64 recorded streams (skipped without their data)", () => {
  const all = RECORDED.map(asFixture)
  const named = (some: readonly Fixture[]) => some.map((each) => [each.name, each] as const)

  it.each(named(all))("%s arrives and is counted, cut at random", async (_, fixture) => {
    const { shape, bytes } = fixture
    const replays = [1, 2, 3].map((seed) => ({ shape, chunks: randomCuts(bytes, seed, 20) }))
    await arrives([{ shape, chunks: [bytes] }, ...replays], bytes, fixture)
  })

  it.each(named(all.filter(({ bytes }) => bytes.length <= SMALL_BYTES)))(
    "%s arrives and is counted, cut in two anywhere",
    async (_, fixture) => {
      await arrives(everyCut(fixture), fixture.bytes, fixture)
    },
  )

  it.each([
    ["gzip", gzipSync],
    ["br", (bytes: Buffer) => brotliCompressSync(bytes)],
  ] as const)("all of them arrive in %s and are counted", async (encoding, encode) => {
    for (const fixture of all) {
      const { shape } = fixture
      const bytes = encode(fixture.bytes)
      const replay = { shape, chunks: randomCuts(bytes, 1, 10), encoding }
      await arrives([replay], bytes, fixture)
    }
  })

  it("those of chats arrive without the usage that only the gateway asked for", async () => {
    for (const fixture of all.filter(({ shape }) => shape === "chat")) {
      const { shape, bytes } = fixture
      const chunks = randomCuts(bytes, 2, 20)
      const replay = { shape, chunks, asksUsage: false, inStep: false }
      await arrives([replay], withoutAdded(bytes), fixture)
    }
  })
})
