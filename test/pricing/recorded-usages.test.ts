import { calcPrice } from "@pydantic/genai-prices"
import { expect, test } from "vitest"
import { openPriceBook } from "../../src/pricing/open-price-book.ts"
import { isAbsent, partOf, type RecordedPrice, recordedPrices } from "./recorded-usages.ts"

const NOW = Date.parse("2026-11-01T12:00:00Z")

/** What the package itself computes, with the searches left out as in the recording. */
const byPackage = ({ provider, model, counts }: RecordedPrice): number | null => {
  const { web_searches: _, ...tokens } = counts
  const priced = calcPrice(tokens, model, { providerId: provider, timestamp: new Date(NOW) })
  return priced === null ? null : priced.total_price * 1_000_000
}

const isNear = (cost: number | null, microUsd: number | null): boolean =>
  cost !== null && microUsd !== null && cost >= microUsd - 1e-3 && cost < microUsd + 1.001

test.skipIf(isAbsent)(
  "of 788 recorded bodies every price is the one expected (skipped without its data)",
  async () => {
    const book = await openPriceBook()
    const { bodies, prices } = recordedPrices()
    expect([bodies, prices.length]).toEqual([788, 1_808])
    const costOf = ({ provider, model, counts }: RecordedPrice) =>
      book.costOf({ provider, parts: [partOf(model, counts)], at: NOW })
    const changed = prices.filter((price) => !isNear(costOf(price), price.microUsd))
    // The list has new prices for a few models since; they must be what the list says now.
    expect(changed.length).toBeLessThan(50)
    const wrong = changed.filter((price) => !isNear(costOf(price), byPackage(price)))
    // In the list only for its own tests, with no price: that is not "costs nothing".
    expect(wrong.map(({ provider, model }) => [provider, model])).toEqual([
      ["cerebras", "qwen-3-coder-480b"],
    ])
  },
)
