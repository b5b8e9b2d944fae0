/**
 * What a supervisor acknowledged must be on the disk at that moment: a start, a granted hold, a
 * settled one, a recorded call, an end, a refusal. Only soft mode may go on while the disk fails.
 */
import type { Row } from "../../machines/budget/row.ts"
import { AdmissionRefused, HoldRefused, LedgerUnavailable } from "../../src/index.ts"
import type { SimulatedDisk } from "./simulated-disk.ts"

export class PromisesKept {
  private readonly disk: SimulatedDisk
  private readonly isHard: () => boolean
  private readonly answers = new Map<string, string>()

  constructor(disk: SimulatedDisk, isHard: () => boolean) {
    this.disk = disk
    this.isHard = isHard
  }

  /** False when only soft mode's buffer remembers it. */
  admitted(agentId: string): boolean {
    return this.durable(
      "a spawn was granted",
      (row) => row.kind === "admitted" && row.agentId === agentId,
    )
  }

  started(agentId: string): void {
    this.durable("work began", (row) => row.kind === "admitted" && row.agentId === agentId)
  }

  granted(holdId: string): boolean {
    return this.durable(
      "a hold was granted",
      (row) => row.kind === "hold_placed" && row.holdId === holdId,
    )
  }

  settled(holdId: string): void {
    this.durable("a settlement was acknowledged", (row) => {
      if (row.kind === "hold_settled" || row.kind === "hold_voided") return row.holdId === holdId
      return row.kind === "corrected" && "holdId" in row.ref && row.ref.holdId === holdId
    })
  }

  recorded(usageId: string): void {
    this.durable(
      "a report was acknowledged",
      (row) => row.kind === "usage_recorded" && row.usageId === usageId,
    )
  }

  /** Whoever waits for an end hears of it even when no disk can be written. */
  ended(agentId: string, reason: string | null): void {
    if (this.disk.failsNow) return
    this.durable(
      "an end was told",
      (row) => row.kind === "ended" && row.reason === reason && this.isOf(row.key, agentId),
    )
  }

  /** S4: asked again under the same id, the same answer for ever. */
  sameAnswer(id: string, answer: string): void {
    const before = this.answers.get(id) ?? answer
    this.answers.set(id, before)
    if (before !== answer) throw new Error(`S4: ${id} was answered ${before}, and now ${answer}`)
  }

  /** A refusal is kept like everything else; null when it is none: nothing could be kept or found. */
  refused(id: string, error: unknown): string | null {
    if (!(error instanceof AdmissionRefused || error instanceof HoldRefused)) throw error
    const { reason } = error.refusal
    if (this.disk.failsNow || reason === "ledger_unavailable" || reason === "stale") return null
    this.durable(
      "a refusal was told",
      (row) => row.kind === "refused" && row.requestId === id && row.refusal.reason === reason,
    )
    return reason
  }

  /** Only a disk that fails may leave something unacknowledged. */
  unacknowledged(error: unknown): void {
    if (!(error instanceof LedgerUnavailable)) throw error
    if (!this.disk.failsNow) throw error
  }

  private durable(what: string, where: (row: Row) => boolean): boolean {
    if (this.disk.isDurable(where)) return true
    if (!this.isHard() && this.disk.failsNow) return false
    throw new Error(`durable before effect: ${what} before its row was on the disk`)
  }

  private isOf(key: string, agentId: string): boolean {
    return this.disk.isDurable(
      (row) => row.kind === "admitted" && row.key === key && row.agentId === agentId,
    )
  }
}
