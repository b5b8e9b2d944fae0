/**
 * The line of holds, kept a second time from what is asked and answered alone: nobody of one agent
 * overtakes another of it, who is answered is answered once, and who withdraws is not.
 */
import assert from "node:assert/strict"
import type { HoldRequest } from "../../machines/budget/holds.ts"
import type { Answer } from "../../machines/supervisor-setup.ts"

export class HoldLine {
  private waiting: readonly HoldRequest[] = []

  withdrawn(holdId: string): void {
    this.waiting = this.waiting.filter((request) => request.holdId !== holdId)
  }

  joined(request: HoldRequest): void {
    const isThere = this.waiting.some(({ holdId }) => holdId === request.holdId)
    if (!isThere) this.waiting = [...this.waiting, request]
  }

  /** `asked`: who asks right now, and is not in line because it holds already, or does not wait. */
  answered({ id }: Answer, asked: HoldRequest | null): void {
    const request = this.waiting.find(({ holdId }) => holdId === id) ?? asked
    assert.equal(request?.holdId, id, `${id} is answered, and waits for no answer`)
    const first = this.waiting.find(({ key }) => key === request?.key)
    const isInLine = request !== undefined && this.waiting.includes(request)
    if (isInLine) assert.equal(first?.holdId, id, `${id} overtakes ${first?.holdId}`)
    this.withdrawn(id)
  }

  expectToBe(holdIds: readonly string[]): void {
    const kept = this.waiting.map(({ holdId }) => holdId)
    assert.deepEqual([...holdIds], kept, "the line is who asked and was not answered")
  }
}
