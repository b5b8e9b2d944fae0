/** What comes over the socket is believed only when it is whole and of a known kind. */
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decodeFromHolder, decodeToHolder } from "../../src/sharing/messages.ts"
import { ask, report } from "./calls.contract.ts"

const price = { inputPicoUsd: 3_000_000, outputPicoUsd: 15_000_000, perCallMicroUsd: 0 }
const plain = ask(10)
const priced = { ...plain, bound: { ...plain.bound, price } }
const resolve = { type: "resolve", key: "k", id: "h" }
const account = { meter: "codex", usage: report(1, 1).usage, model: null }
const refusal = {
  ...{ reason: "agent_token_limit", limit: 10, used: 1, held: 2, asked: 3 },
  ...{ retryAt: null, never: false },
}

type Message = Readonly<Record<string, unknown>>

const TO_HOLDER: readonly Message[] = [
  { type: "hold", key: "k", id: "h", ask: plain },
  { type: "hold", key: "k", id: "h", ask: priced },
  { ...resolve, resolution: { as: "settle", report: report(10, 1) } },
  { ...resolve, resolution: { as: "charge" } },
  { ...resolve, resolution: { as: "void" } },
  { type: "compare", key: "k", id: "c", account },
]

const FROM_HOLDER: readonly Message[] = [
  { type: "held", key: "k", id: "h", outputTokens: 10, wrapUp: null },
  { type: "held", key: "k", id: "h", outputTokens: 10, wrapUp: { remainingTokens: null } },
  { type: "hold_refused", key: "k", id: "h", refusal },
  { type: "resolved", key: "k", id: "h" },
  { type: "unwritten", key: "k", id: "h", reason: "full", path: "/l", message: "full" },
]

const DIRECTIONS = [
  ["to the holder", decodeToHolder, TO_HOLDER],
  ["from the holder", decodeFromHolder, FROM_HOLDER],
] as const

/** Every place in a value, as the keys that lead there. */
const placesIn = (value: unknown): readonly (readonly string[])[] =>
  typeof value !== "object" || value === null
    ? []
    : Object.entries(value).flatMap(([key, inner]) => [
        [key],
        ...placesIn(inner).map((path) => [key, ...path]),
      ])

/** The same with another value there; undefined leaves it out. */
const changed = (value: unknown, [key = "", ...rest]: readonly string[], to: unknown): unknown => {
  const inner = value as Message
  return { ...inner, [key]: rest.length === 0 ? to : changed(inner[key], rest, to) }
}

describe.each(DIRECTIONS)("a message about calls %s", (_, decode, messages) => {
  it("is read as it was said", () => {
    for (const message of messages) expect(decode(JSON.stringify(message))).toEqual(message)
  })

  it("is none when anything of it is missing, or of another kind", () => {
    for (const message of messages) {
      for (const place of placesIn(message)) {
        for (const wrong of [undefined, [], "\0 nothing", -1.5, true]) {
          const said = JSON.stringify(changed(message, place, wrong))
          const isFine = isFineAt(place, wrong)
          expect(decode(said) === null, `${said} at ${place.join(".")}`).toBe(!isFine)
        }
      }
    }
  })

  it("is none when it is garbage", () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (said) => decode(said) === null))
    for (const message of messages) {
      const said = JSON.stringify(message)
      for (let at = 0; at < said.length; at += 1) expect(decode(said.slice(0, at))).toBeNull()
    }
  })
})

/** Names may be any text, a flag any flag, and a refusal's numbers any that its maker gave. */
const isFineAt = (place: readonly string[], value: unknown): boolean => {
  const name = place.join(".")
  if (/(^|\.)(key|id|path|message|meter|model|retryAt)$/.test(name))
    return typeof value === "string"
  if (/(isBounded|queue|isTentative|never)$/.test(name)) return typeof value === "boolean"
  return /^refusal\.(limit|used|held|asked)$/.test(name) && typeof value === "number"
}
