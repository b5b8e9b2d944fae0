/**
 * Who may call: a key and a path token of 256 random bits for each agent, kept as hashes only and
 * valid for its life and its upstreams. A revoked agent's next request is a stranger's.
 */
import { hash, randomBytes, timingSafeEqual } from "node:crypto"
import type { ProviderName } from "../pricing/price-book.ts"
import type { MeteredAgent } from "./metered-agent.ts"

export interface Claims {
  readonly agent: MeteredAgent
  /** The upstreams it may call; null: all. */
  readonly providers: readonly ProviderName[] | null
  /** Its own credential goes to the provider, even where the gateway has a key. */
  readonly ownCredential: boolean
  /** Calls wait in line while only held tokens are in the way. */
  readonly queue: boolean
}

export interface Issued {
  readonly key: string
  readonly token: string
  readonly revoke: () => void
}

export interface Identified {
  readonly claims: Claims
  /** It showed its own key, too, and not only its path. */
  readonly isProven: boolean
}

interface Admitted {
  readonly claims: Claims
  readonly keyHash: Buffer
}

const hashed = (secret: string): Buffer => hash("sha256", secret, "buffer")
const indexOf = (secret: string): string => hash("sha256", secret, "base64")
const random = (): string => randomBytes(32).toString("base64url")

export class Credentials {
  private readonly byToken = new Map<string, Admitted>()
  private readonly byKey = new Map<string, Admitted>()

  issue(claims: Claims): Issued {
    const key = `stint-${random()}`
    const token = random()
    const admitted = { claims, keyHash: hashed(key) }
    const tokenIndex = indexOf(token)
    const keyIndex = indexOf(key)
    this.byToken.set(tokenIndex, admitted)
    this.byKey.set(keyIndex, admitted)
    const revoke = (): void => {
      this.byToken.delete(tokenIndex)
      this.byKey.delete(keyIndex)
    }
    return { key, token, revoke }
  }

  /** Whose path this is, or without one whose key; null: nobody's that lives. */
  identify(token: string | null, presented: readonly string[]): Identified | null {
    return token === null ? this.byKeyAlone(presented) : this.byPath(token, presented)
  }

  private byPath(token: string, presented: readonly string[]): Identified | null {
    const admitted = this.byToken.get(indexOf(token))
    if (admitted === undefined) return null
    const isProven = presented.some((key) => timingSafeEqual(hashed(key), admitted.keyHash))
    return { claims: admitted.claims, isProven }
  }

  private byKeyAlone(presented: readonly string[]): Identified | null {
    for (const key of presented) {
      const admitted = this.byKey.get(indexOf(key))
      if (admitted !== undefined) return { claims: admitted.claims, isProven: true }
    }
    return null
  }
}
