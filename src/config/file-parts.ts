/** The parts of a settings file: the settings of the table, and what is too deep for a table. */
import { isMap } from "./explain.ts"
import { decodePrices, type OwnPrice } from "./prices.ts"
import type { Problem } from "./problem.ts"
import type { NamedValues } from "./source.ts"
import { decodeUpstreams, type FileUpstreams } from "./upstreams-file.ts"

export interface FileParts {
  /** What is left for the table; a file that is no map is left whole, to be refused there. */
  readonly settings: NamedValues | undefined
  readonly prices: readonly OwnPrice[]
  readonly upstreams: FileUpstreams
  readonly problems: readonly Problem[]
}

export const partsOfFile = (file: NamedValues | undefined): FileParts => {
  if (file === undefined || !isMap(file.value))
    return { settings: file, prices: [], upstreams: {}, problems: [] }
  const { prices, upstreams, ...settings } = file.value
  const under = file.under ?? []
  const priced =
    prices === undefined
      ? { prices: [], problems: [] }
      : decodePrices({ ...file, value: prices, under: [...under, "prices"] })
  const served =
    upstreams === undefined
      ? { upstreams: {}, problems: [] }
      : decodeUpstreams({ ...file, value: upstreams, under: [...under, "upstreams"] })
  return {
    settings: { ...file, value: settings },
    prices: priced.prices,
    upstreams: served.upstreams,
    problems: [...priced.problems, ...served.problems],
  }
}
