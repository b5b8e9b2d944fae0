/** Which calls are under way: one at most in the session itself and one in each sub-agent. */
import type { Usage, UsageId } from "../../../machines/vocabulary.ts"
import type { Answered, Lineage, Spoke } from "./events.ts"

/** `asked`: sent, and nothing of it seen. `answering`: a part of its answer was seen, not its end. */
export type CallInFlight =
  | { readonly stage: "asked"; readonly before: LastCall | null }
  | { readonly stage: "answering"; readonly call: LastCall }

export interface LastCall {
  readonly id: UsageId | null
  readonly model: string | null
  readonly usage: Usage
}

interface Stand {
  readonly stage: "asked" | "answering" | "idle"
  readonly last: LastCall | null
  /** Tools it called whose results have not gone back. */
  readonly openTools: readonly string[]
}

const NOT_BEGUN: Stand = { stage: "idle", last: null, openTools: [] }

/** More sub-agents than a session ever has; those silent for longest are forgotten. */
const LINEAGES_MAX = 1_000

export class Flight {
  readonly #stands = new Map<Lineage, Stand>()

  began(): void {
    this.#stands.set(null, { ...this.#standOf(null), stage: "asked", openTools: [] })
  }

  spoke({ lineage, id, model, usage, toolUses }: Spoke): void {
    const before = this.#standOf(lineage)
    const isSame = id !== null && before.last?.id === id
    // A block may come in after the results of the tools named before it have gone back.
    const openTools = isSame ? [...before.openTools, ...toolUses] : toolUses
    // Kept in the order of use.
    this.#stands.delete(lineage)
    this.#stands.set(lineage, { stage: "answering", last: { id, model, usage }, openTools })
    if (this.#stands.size > LINEAGES_MAX) this.#forgetOldest()
  }

  /** The call is over; returns which it was. */
  counted(lineage: Lineage): UsageId | null {
    const before = this.#standOf(lineage)
    // Its tools may have answered before its own end was told: then the next call is under way.
    if (before.stage === "answering") this.#stands.set(lineage, { ...before, stage: "idle" })
    return before.last?.id ?? null
  }

  answered({ lineage, toolUses }: Answered): void {
    // A tool use that began a sub-agent has ended it.
    for (const toolUse of toolUses) this.#stands.delete(toolUse)
    const before = this.#standOf(lineage)
    const openTools = before.openTools.filter((open) => !toolUses.includes(open))
    const stage = openTools.length === 0 ? "asked" : before.stage
    this.#stands.set(lineage, { ...before, stage, openTools })
  }

  inFlight(): readonly CallInFlight[] {
    return [...this.#stands.values()].flatMap(({ stage, last }): CallInFlight[] => {
      if (stage === "asked") return [{ stage, before: last }]
      return stage === "answering" && last !== null ? [{ stage, call: last }] : []
    })
  }

  /** All that was under way is accounted for, or charged. */
  settle(): void {
    for (const [lineage, { last }] of this.#stands)
      this.#stands.set(lineage, { stage: "idle", last, openTools: [] })
  }

  #standOf(lineage: Lineage): Stand {
    return this.#stands.get(lineage) ?? NOT_BEGUN
  }

  #forgetOldest(): void {
    for (const lineage of this.#stands.keys()) {
      if (lineage === null) continue
      this.#stands.delete(lineage)
      return
    }
  }
}
