/** What every exchange of one gateway shares. */

import type { Instant } from "../../machines/vocabulary.ts"
import type { Log } from "../log/log.ts"
import type { PriceBook, ProviderName } from "../pricing/price-book.ts"
import type { Credentials } from "./credentials.ts"
import type { Dialect, DialectName } from "./dialects/dialect.ts"
import type { GatewaySettings } from "./settings.ts"
import type { UnderWay } from "./under-way.ts"
import type { UpstreamConnections } from "./upstream.ts"

export interface Desk {
  readonly settings: GatewaySettings
  readonly upstreams: ReadonlyMap<ProviderName, UpstreamConnections>
  readonly dialects: Readonly<Record<DialectName, Dialect>>
  readonly prices: () => Promise<PriceBook>
  readonly credentials: Credentials
  readonly log: Log
  readonly now: () => Instant
  /** Gives each answer that is still under way up. */
  readonly underWay: UnderWay
  /** Aborted when nobody new is served any more. */
  readonly closing: AbortController
}
