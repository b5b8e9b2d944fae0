/** The price book: what the settings state, and the bundled list for all else. */
import type { Instant } from "../../machines/vocabulary.ts"
import type { OwnPrice } from "../config/prices.ts"
import { microUsdOf, picoUsdOf } from "./exact.ts"
import { ownPriceOf, ratesOfOwn } from "./own-prices.ts"
import type { PriceBook, ProviderName } from "./price-book.ts"
import { loadPriceList, type PriceList } from "./price-list.ts"
import { costOfPart, dearestInput, dearestOutput, type Rates } from "./rates.ts"

/** Loads the list; every answer is synchronous from then on. */
export const openPriceBook = async (own: readonly OwnPrice[] = []): Promise<PriceBook> => {
  const list = await loadPriceList()
  const ratesOf = ratesIn(list, own)
  return {
    boundOf: ({ provider, model, inputTokens, inputIsText = false, at }) => {
      const rates = ratesOf(provider, model, at)
      if (rates === null) return null
      return {
        inputPicoUsd: picoUsdOf(dearestInput(rates, inputTokens, inputIsText)),
        outputPicoUsd: picoUsdOf(dearestOutput(rates, inputTokens)),
        perCallMicroUsd: microUsdOf(rates.perCall),
      }
    },
    costOf: ({ provider, parts, at }) => {
      let sum = 0n
      for (const part of parts) {
        const rates = part.model === null ? null : ratesOf(provider, part.model, at)
        const cost = rates === null ? null : costOfPart(part, rates)
        if (cost === null) return null
        sum += cost
      }
      return microUsdOf(sum)
    },
    providerAt: list.ownerOf,
  }
}

const ratesIn = (list: PriceList, own: readonly OwnPrice[]) => {
  const idOf = (provider: ProviderName): string => list.nameOf(provider) ?? provider.toLowerCase()
  const isSame = (a: ProviderName, b: ProviderName): boolean => idOf(a) === idOf(b)
  return (provider: ProviderName, model: string, at: Instant): Rates | null => {
    const listed = list.ratesOf(provider, model, at)
    const stated = own.length === 0 ? undefined : ownPriceOf(own, provider, model, isSame)
    return stated === undefined ? listed : ratesOfOwn(stated, listed?.perSearch ?? null)
  }
}
