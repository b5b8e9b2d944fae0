/** Whatever happens to calls, in any order and at once: each hold ends once, nothing is undercharged. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { anthropicBody, chatBody, openWorld } from "./gateway-world.ts"
import type { Fault } from "./model-server.ts"
import { begin } from "./wire.ts"

const fault: fc.Arbitrary<Fault | null> = fc.constantFrom<(Fault | null)[]>(
  null,
  null,
  { kind: "resetBeforeHeaders" },
  { kind: "resetAfterHeaders" },
  { kind: "halfStream" },
  { kind: "silence", after: "request" },
  { kind: "silence", after: "headers" },
  { kind: "silence", after: "half" },
  { kind: "status", status: 429 },
  { kind: "status", status: 504 },
  { kind: "errorEvent", after: "nothing" },
  { kind: "errorEvent", after: "half" },
  { kind: "malformed" },
  { kind: "wrongContentType" },
  { kind: "saysNoUsage" },
  { kind: "gzip" },
  { kind: "trailers" },
)

const call = fc.record({
  fault,
  stream: fc.boolean(),
  api: fc.constantFrom("messages", "chat/completions"),
  /** Turns of the loop after which the client goes; null: it stays. */
  leavesAfter: fc.oneof(fc.constant(null), fc.integer({ min: 0, max: 30 })),
  answerTokens: fc.constantFrom(0, 1, 50, 300),
})

const turns = async (count: number): Promise<void> => {
  for (let at = 0; at < count; at += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe("every hold", () => {
  it("ends exactly once, and what is charged is no less than what was billed", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 8 }),
        fc.constantFrom(undefined, 3_000, 12_000),
        async (calls, limit) => {
          const world = await openWorld({
            settings: { idleMs: 40, drainMs: 40, waitMs: 80, closeMs: 20 },
            agent: limit === undefined ? {} : { limit },
          })
          const { agent, models } = world
          const one = async (each: (typeof calls)[number]): Promise<void> => {
            models.fault = each.fault
            models.answerTokens = each.answerTokens
            const body = (each.api === "messages" ? anthropicBody : chatBody)({
              max_tokens: 1_000,
              ...(each.stream ? { stream: true } : {}),
            })
            const provider = each.api === "messages" ? "anthropic" : "openai"
            const url = `${world.base(provider)}/v1/${each.api}`
            const underWay = begin(url, { headers: world.keyed(), body })
            if (each.leavesAfter !== null) {
              await turns(each.leavesAfter)
              underWay.leave()
            }
            await underWay.answer.catch(() => undefined)
          }
          await Promise.all(calls.map(one))
          await world.gateway.close()
          while (models.sockets() > 0) await turns(1)
          await world.close()
          expect(agent.open).toEqual([])
          expect(agent.inLine).toBe(0)
          expect(agent.holds.filter(({ ends }) => ends !== 1)).toEqual([])
          const billed = models.calls.reduce(
            (sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens,
            0,
          )
          expect(agent.used).toBeGreaterThanOrEqual(billed)
          if (limit !== undefined) expect(agent.used).toBeLessThanOrEqual(limit)
        },
      ),
      { numRuns: 40 },
    )
  })
})
