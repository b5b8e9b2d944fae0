/** A simulated clock that says when its next timer is due, so that time can go from one to the next. */
import { SimulatedClock } from "xstate"

export class SteppedClock extends SimulatedClock {
  private readonly dues = new Map<number, number>()

  override setTimeout(ring: () => void, timeout: number): number {
    const id = super.setTimeout(() => {
      this.dues.delete(id)
      ring()
    }, timeout)
    this.dues.set(id, this.now() + timeout)
    return id
  }

  override clearTimeout(id: number): void {
    this.dues.delete(id)
    super.clearTimeout(id)
  }

  get nextDue(): number | undefined {
    const dues = [...this.dues.values()]
    return dues.length === 0 ? undefined : Math.min(...dues)
  }
}
