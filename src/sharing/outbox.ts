/**
 * What a run has said of its agent, and its holder has not written yet: it is said again to the next
 * holder. While much is unwritten no more is read of what the agent prints, or a program that reports
 * faster than the holder's disk takes rows would fill the memory of both.
 */
import type { UsageRead, WorkReported } from "./messages.ts"
import { WAITING_ROWS_MAX } from "./room.ts"

export type Told = UsageRead | WorkReported

export class Outbox {
  private kept: Told[] = []
  private readings = 0
  /** Somebody is there to say what is written, and is able to write. */
  private isAnswered = false
  private wanted: PromiseWithResolvers<void> | null = null

  /** In order. */
  get told(): readonly Told[] {
    return this.kept
  }

  keep(told: Told): void {
    this.kept.push(told)
    if (told.type === "usage") this.readings += 1
  }

  /** There is somebody who will say what is written. */
  answered(): void {
    this.isAnswered = true
  }

  /** Nobody is, or nothing can be written: what is not read now may never be, so nothing is held back. */
  unanswered(): void {
    this.isAnswered = false
    this.makeRoom()
  }

  /** All readings up to that one are. */
  written(n: number): void {
    this.kept = this.kept.filter((told) => told.type !== "usage" || told.n > n)
    this.readings = this.kept.reduce((sum, { type }) => sum + (type === "usage" ? 1 : 0), 0)
    this.isAnswered = true
    if (this.readings <= WAITING_ROWS_MAX / 2) this.makeRoom()
  }

  /** Null while usage may come as it likes; else resolves once more may. */
  room(): Promise<void> | null {
    if (!this.isAnswered || this.readings < WAITING_ROWS_MAX) return null
    this.wanted ??= Promise.withResolvers()
    return this.wanted.promise
  }

  private makeRoom(): void {
    this.wanted?.resolve()
    this.wanted = null
  }
}
