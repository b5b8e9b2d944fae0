import * as Result from "effect/Result"
import { describe, expect, test } from "vitest"
import { decodePrices } from "../../src/config/prices.ts"
import { configurationError, describeProblem } from "../../src/config/problem.ts"
import { resolveSettings } from "../../src/config/resolve.ts"
import { readYaml } from "../../src/config/yaml.ts"

const GOOD = { model: "m", inputUsdPerMTok: 1, outputUsdPerMTok: 2 }
const PRICE = "dollars as a decimal from 0 to 1000000 with at most six places"

const messagesOf = (value: unknown): readonly string[] =>
  decodePrices({ name: "stint.yaml", value, under: ["prices"] }).problems.map(describeProblem)

test("all that may be said of a price", () => {
  const full = {
    ...{ model: "llama-*", provider: "groq", inputUsdPerMTok: 0.003625, outputUsdPerMTok: 0 },
    ...{ cacheReadUsdPerMTok: 0.1, cacheWriteUsdPerMTok: 1, cacheWriteHourUsdPerMTok: 1_000_000 },
    perCallUsd: 0.000001,
  }
  const read = decodePrices({ name: "stint.yaml", value: [GOOD, full, { ...GOOD, model: "*" }] })
  expect(read).toEqual({ prices: [GOOD, full, { ...GOOD, model: "*" }], problems: [] })
})

describe("a mistake is told with its place, what was found and what is allowed", () => {
  test.each<[unknown, string]>([
    [[5], "prices[0]: found 5, expected a map of model, provider, "],
    [[{ ...GOOD, model: 5 }], "prices[0].model: found 5, expected a model's id, or the beginning"],
    [[{ ...GOOD, model: "a*b" }], 'prices[0].model: found "a*b", expected a model\'s id'],
    [[{ ...GOOD, model: "" }], 'prices[0].model: found "", expected a model\'s id'],
    [[{ ...GOOD, provider: "" }], 'prices[0].provider: found "", expected a provider\'s name'],
    [[{ ...GOOD, inputUsdPerMTok: -1 }], `prices[0].inputUsdPerMTok: found -1, expected ${PRICE}`],
    [[{ ...GOOD, outputUsdPerMTok: "2" }], `prices[0].outputUsdPerMTok: found "2", expected`],
    [[{ ...GOOD, outputUsdPerMTok: Number.NaN }], `prices[0].outputUsdPerMTok: found NaN`],
    [[{ ...GOOD, perCallUsd: 1e-7 }], `prices[0].perCallUsd: found 1e-7, expected ${PRICE}`],
    [[{ ...GOOD, cacheReadUsdPerMTok: 1_000_001 }], "prices[0].cacheReadUsdPerMTok: found 1000001"],
    [[{ ...GOOD, cacheReadUsdPerMTok: null }], "prices[0].cacheReadUsdPerMTok: found null"],
    [[{ ...GOOD, inputUsd: 1 }], "prices[0].inputUsd: found an unknown key, expected one of model"],
    [[GOOD, { ...GOOD }], "prices[1]: found m a second time, expected each model once"],
  ])("%j", (value, message) => {
    expect(messagesOf(value)).toEqual([expect.stringContaining(`stint.yaml: ${message}`)])
  })

  test("every one of them at once", () => {
    expect(messagesOf([{}, { ...GOOD, model: 1, perCallUsd: -1 }])).toEqual([
      "stint.yaml: prices[0].model: found nothing, expected a model's id, or the beginning of one and `*`",
      `stint.yaml: prices[0].inputUsdPerMTok: found nothing, expected ${PRICE}`,
      `stint.yaml: prices[0].outputUsdPerMTok: found nothing, expected ${PRICE}`,
      "stint.yaml: prices[1].model: found 1, expected a model's id, or the beginning of one and `*`",
      `stint.yaml: prices[1].perCallUsd: found -1, expected ${PRICE}`,
    ])
  })

  test("the same model of two providers is no mistake, of one in two spellings it is", () => {
    const of = (provider: string) => ({ ...GOOD, provider })
    expect(messagesOf([GOOD, of("groq"), of("azure")])).toEqual([])
    expect(messagesOf([of("groq"), of("Groq")])).toHaveLength(1)
  })

  test("in a file, by the line", async () => {
    const text =
      "graceSeconds: 1\nprices:\n  - model: m\n    inputUsdPerMTok: 0.1000000000000000055\n    outputUsdPerMTok: 1\n"
    const file = Result.getOrThrow(await readYaml(text, "stint.yaml"))
    const resolved = resolveSettings({ file })
    const found = Result.isFailure(resolved) ? resolved.failure : configurationError
    expect(found).toMatchObject({
      message: `stint.yaml:4: prices[0].inputUsdPerMTok: found 0.1000000000000000055, expected ${PRICE}`,
    })
  })
})
