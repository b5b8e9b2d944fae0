/** Prices: which of the user's own apply, and what becomes of calls without any. */
import * as Result from "effect/Result"
import type { Environment } from "../../../config/environment.ts"
import type { OwnPrice } from "../../../config/prices.ts"
import type { ResolvedSettings } from "../../../config/resolve.ts"
import { resolveUpstreams } from "../../../config/upstreams.ts"
import { UPSTREAMS } from "../../../config/upstreams-file.ts"
import { loadPriceList, type PriceList } from "../../../pricing/price-list.ts"
import { counted } from "../figures.ts"
import { type Finding, good, note } from "./finding.ts"

export const priceFindings = async (
  { budget, prices, upstreams }: ResolvedSettings,
  env: Environment,
): Promise<readonly Finding[]> => [
  ...unpricedFinding(budget),
  ...(prices.length === 0 ? [] : ownPriceFindings(prices, await sellersOf(upstreams, env))),
]

/** Only where a cost limit makes it matter. */
const unpricedFinding = ({
  dailyCostLimitMicroUsd,
  perAgentCostLimitMicroUsd,
  enforceHardLimits,
  allowUnpriced,
}: ResolvedSettings["budget"]): readonly Finding[] => {
  if (dailyCostLimitMicroUsd === null && perAgentCostLimitMicroUsd === null) return []
  const whose = "calls of models without a known price"
  if (allowUnpriced)
    return [
      note("cost", `a limit is set, and ${whose} pass it without being counted (allowUnpriced)`),
    ]
  return enforceHardLimits
    ? [good("cost", `a limit is set; ${whose} are refused`)]
    : [note("cost", `a limit is set, and soft: ${whose} are flagged, and not counted`)]
}

const ownPriceFindings = (
  prices: readonly OwnPrice[],
  { list, names }: Sellers,
): readonly Finding[] => {
  const isSold = ({ provider }: OwnPrice): boolean =>
    provider === undefined || names.includes(idOf(list, provider))
  const [used, unused] = [prices.filter(isSold), prices.filter((price) => !isSold(price))]
  return [
    ...(used.length === 0
      ? []
      : [
          good(
            "prices",
            `${counted(used.length, "price")} of your own before the list`,
            used.map(words),
          ),
        ]),
    ...(unused.length === 0
      ? []
      : [
          note(
            "prices",
            `${counted(unused.length, "price")} of your own for a provider that no upstream goes to (${names.join(", ")})`,
            unused.map(words),
          ),
        ]),
  ]
}

interface Sellers {
  readonly list: PriceList
  readonly names: readonly string[]
}

/** Whose prices the upstreams' calls have, by the names the list gives them. */
const sellersOf = async (
  file: ResolvedSettings["upstreams"],
  env: Environment,
): Promise<Sellers> => {
  const list = await loadPriceList()
  const resolved = resolveUpstreams(file, env)
  const names = UPSTREAMS.map((name) => {
    if (Result.isFailure(resolved)) return idOf(list, name)
    const { provider, baseUrl } = resolved.success[name]
    return idOf(list, provider ?? list.ownerOf(baseUrl) ?? name)
  })
  return { list, names: [...new Set(names)] }
}

const idOf = (list: PriceList, provider: string): string =>
  list.nameOf(provider) ?? provider.toLowerCase()

const words = ({ model, provider, inputUsdPerMTok, outputUsdPerMTok }: OwnPrice): string =>
  `${model}${provider === undefined ? "" : ` of ${provider}`}: $${inputUsdPerMTok} in, $${outputUsdPerMTok} out for a million tokens`
