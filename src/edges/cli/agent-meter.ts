/** Joins a meter to an agent: what is read along is recorded, what cannot be read is told once. */
import type { MeterName } from "../../config/plan.ts"
import { openMeter as meterNamed } from "../../meters/by-name.ts"
import type { MeterReading } from "../../meters/meter.ts"
import { readAlong } from "../../meters/read-along.ts"
import type { SessionAgent } from "../../sharing/session.ts"

export interface AgentMeter {
  readonly read: (chunk: Buffer) => void
  readonly end: () => void
}

/** `onUnreadable` hears of the first line that was meant for the meter and could not be counted. */
export const openMeter = (
  name: MeterName,
  agent: Pick<SessionAgent, "recordReading">,
  onUnreadable: (why: string) => void,
): AgentMeter => {
  const reading = readAlong(meterNamed(name))
  let told = false
  const take = (readings: readonly MeterReading[]): void => {
    for (const each of readings) {
      if (each.kind === "usage") {
        const { usageId, usage, model, provenance, completes } = each
        agent.recordReading({ usageId, usage, model, provenance, completes })
      } else if (!told) {
        told = true
        onUnreadable(each.why)
      }
    }
  }
  return {
    read: (chunk) => take(reading.push(chunk)),
    end: () => take(reading.end()),
  }
}
