/**
 * Joins a meter to an agent: what is read along is recorded, what cannot be read is told once.
 *
 * Calls that pass the gateway are counted there, so once one has, what the agent prints is its own
 * account: held against the gateway's at its end. What a program says by the `stint` meter that its
 * user named is always recorded: those are calls that nothing else sees.
 */

import { rawTokens, subtractUsage } from "../../../machines/budget/amounts.ts"
import type { MeterName } from "../../config/plan.ts"
import type { Lead } from "../../gateway/run-gateway.ts"
import type { MeterReading, UsageReading } from "../../meters/meter.ts"
import { ownAccounting } from "../../meters/own-account.ts"
import { readAlong } from "../../meters/read-along.ts"
import { costByModel } from "../../pricing/by-model.ts"
import type { PriceBook } from "../../pricing/price-book.ts"
import type { SessionAgent } from "../../sharing/session.ts"

export interface AgentMeter {
  readonly read: (chunk: Buffer) => void
  /** After its last byte; resolves when everything read has been said. */
  readonly end: () => Promise<void>
}

export interface MeterOptions {
  readonly name: MeterName
  readonly agent: Pick<SessionAgent, "recordReading" | "calls">
  /** Its way through the gateway; null without one. */
  readonly lead: Pick<Lead, "hasCalls" | "meter"> | null
  /** Null where no cost limit asks what calls cost. */
  readonly prices: (() => Promise<PriceBook>) | null
  /** Hears of the first line that was meant for the meter and could not be counted. */
  readonly onUnreadable: (why: string) => void
}

export const openMeter = (options: MeterOptions): AgentMeter => {
  const { name, agent, lead, onUnreadable } = options
  const meterName = name === "auto" ? (lead?.meter ?? name) : name
  const accounting = ownAccounting(meterName)
  const reading = readAlong(accounting)
  const isChecked = (): boolean => name !== "stint" && lead?.hasCalls() === true
  const record = recorder(options)
  let told = false
  const take = (readings: readonly MeterReading[]): void => {
    for (const each of readings) {
      if (each.kind === "usage") {
        if (!isChecked()) record.take(each)
      } else if (!told) {
        told = true
        onUnreadable(each.why)
      }
    }
  }
  return {
    read: (chunk) => take(reading.push(chunk)),
    end: async () => {
      take(reading.end())
      await record.said()
      const { usage, uncertain } = accounting.account()
      const reported = subtractUsage(usage, uncertain)
      if (isChecked() && rawTokens(reported) > 0)
        await agent.calls.compare({ meter: meterName, usage: reported, model: null })
    },
  }
}

/** In the order read: where money is asked about, the first waits until prices are known. */
const recorder = ({ agent, prices }: Pick<MeterOptions, "agent" | "prices">) => {
  let book: PriceBook | null = null
  let waiting: UsageReading[] | null = null
  let said: Promise<void> = Promise.resolve()
  const say = ({ usageId, usage, model, provenance, completes }: UsageReading): void => {
    const cost = book === null ? {} : { costMicroUsd: costByModel(book, usage, model, Date.now()) }
    agent.recordReading({ usageId, usage, model, provenance, completes, ...cost })
  }
  const load = async (loading: () => Promise<PriceBook>): Promise<void> => {
    book = await loading()
    for (const reading of waiting ?? []) say(reading)
    waiting = null
  }
  return {
    take: (reading: UsageReading): void => {
      if (prices === null || book !== null) say(reading)
      else if (waiting !== null) waiting.push(reading)
      else {
        waiting = [reading]
        said = load(prices)
      }
    },
    said: (): Promise<void> => said,
  }
}
