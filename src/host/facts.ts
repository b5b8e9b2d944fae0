/**
 * Facts of the step under way are told after it, when whoever hears them can read what they say: in
 * order, also when hearing one brings about others.
 */
import type { Fact } from "../../machines/facts.ts"
import type { Log } from "../log/log.ts"

export type FactListener = (fact: Fact) => void

export class Facts {
  private readonly logger: Log
  /** Hears each one first. */
  private readonly attend: FactListener
  private readonly listeners = new Set<FactListener>()
  private readonly untold: Fact[] = []
  private telling = false

  constructor(logger: Log, attend: FactListener) {
    this.logger = logger
    this.attend = attend
  }

  note(fact: Fact): void {
    this.untold.push(fact)
  }

  onFact(listener: FactListener): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  tell(): void {
    if (this.telling) return
    this.telling = true
    for (let fact = this.untold.shift(); fact !== undefined; fact = this.untold.shift())
      this.publish(fact)
    this.telling = false
  }

  private publish(fact: Fact): void {
    this.attend(fact)
    for (const listener of this.listeners) {
      try {
        listener(fact)
      } catch (error) {
        this.logger.error({ err: error, fact: fact.type }, "a listener failed")
      }
    }
  }
}
