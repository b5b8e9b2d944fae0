/** Reading the status with a thousand and with a million records, beside a service that scans them. */
import { judgeSpawn } from "../../machines/budget/admission.ts"
import { summarise } from "../../machines/budget/summary.ts"
import { makeSupervisor, reportUsage, STARTED_AT, spawnAgent } from "./fleet.ts"
import { type BenchResult, interleaved, rateOf } from "./result.ts"

const FEW = 1_000
const MANY = 1_000_000
const AGENTS = 50
const READS = 300

const supervisorWith = (records: number) => {
  const supervisor = makeSupervisor()
  for (let agent = 0; agent < AGENTS; agent += 1) spawnAgent(supervisor, `agent-${agent}`)
  for (let record = 0; record < records; record += 1)
    reportUsage(supervisor, `agent-${record % AGENTS}`, 3)
  return supervisor
}

const read = (supervisor: ReturnType<typeof makeSupervisor>): number =>
  rateOf(READS, () => {
    for (let times = 0; times < READS; times += 1) {
      const { budget } = supervisor.getSnapshot().context
      summarise(budget)
      judgeSpawn(budget, {
        at: STARTED_AT,
        slot: true,
        tokenLimit: null,
        costLimit: null,
        deadlineAt: null,
      })
    }
  })

/** As the service this grew out of: every call filters all records of the day. */
const scanningReads = (records: number): number => {
  const kept = Array.from({ length: records }, (_, index) => ({
    agentId: `agent-${index % AGENTS}`,
    at: STARTED_AT,
    tokens: 3,
  }))
  const times = records === MANY ? 3 : READS
  return rateOf(times, () => {
    for (let read = 0; read < times; read += 1) {
      const today = kept.filter((record) => record.at >= STARTED_AT)
      const byAgent = new Map<string, number>()
      for (const { agentId, tokens } of today)
        byAgent.set(agentId, (byAgent.get(agentId) ?? 0) + tokens)
    }
  })
}

export const run = (): readonly BenchResult[] => {
  const few = supervisorWith(FEW)
  const many = supervisorWith(MANY)
  const { a, b, ratio } = interleaved(
    9,
    () => 1 / read(many),
    () => 1 / read(few),
  )
  const scan = scanningReads(FEW) / scanningReads(MANY)
  const usPerS = 1_000_000
  return [
    { name: "summary() and canSpawn(), 1,000 records", value: b * usPerS, unit: "µs" },
    { name: "summary() and canSpawn(), 1,000,000 records", value: a * usPerS, unit: "µs" },
    {
      name: "reading: 1,000,000 records ÷ 1,000",
      value: ratio,
      unit: "×",
      target: { atMost: 1.5 },
    },
    { name: "the same, filtering all records on each call", value: scan, unit: "×" },
  ]
}
