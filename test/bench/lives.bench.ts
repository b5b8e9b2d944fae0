/** What a life costs when there are few and when there are many, and what ended lives leave behind. */
import { finishAgent, makeSupervisor, spawnAgent } from "./fleet.ts"
import { type BenchResult, interleaved, rateOf } from "./result.ts"

const LIVES_PER_ROUND = 2_000
const FEW = 100
const MANY = 10_000

const fleetOf = (live: number) => {
  const supervisor = makeSupervisor()
  for (let agent = 0; agent < live; agent += 1) spawnAgent(supervisor, `live-${agent}`)
  return supervisor
}

const spawnAndStop = (supervisor: ReturnType<typeof makeSupervisor>): number =>
  rateOf(LIVES_PER_ROUND, () => {
    for (let life = 0; life < LIVES_PER_ROUND; life += 1) spawnAgent(supervisor, `life-${life}`)
    for (let life = 0; life < LIVES_PER_ROUND; life += 1) finishAgent(supervisor, `life-${life}`)
  })

export const run = (): readonly BenchResult[] => {
  // First, while nothing else stands on the heap.
  const memory = memoryAfter()
  const few = fleetOf(FEW)
  const many = fleetOf(MANY)
  const { a, b, ratio } = interleaved(
    7,
    () => spawnAndStop(many),
    () => spawnAndStop(few),
  )
  return [
    { name: `spawn and stop with ${MANY} live`, value: a, unit: "lives/s" },
    { name: `spawn and stop with ${FEW} live`, value: b, unit: "lives/s" },
    {
      name: "spawn and stop: 10,000 live ÷ 100 live",
      value: ratio,
      unit: "×",
      target: { atLeast: 0.5 },
    },
    ...memory,
  ]
}

const ENDED_FEW = 1_000
const ENDED_MANY = 1_000_000

/** One supervisor all along: measured after a thousand ended agents, and after a million. */
const memoryAfter = (): readonly BenchResult[] => {
  const supervisor = makeSupervisor()
  let ended = 0
  const endUntil = (count: number): void => {
    for (; ended < count; ended += 1) {
      spawnAgent(supervisor, `ended-${ended}`)
      finishAgent(supervisor, `ended-${ended}`)
    }
  }
  endUntil(ENDED_FEW)
  const few = heapBytes()
  endUntil(ENDED_MANY)
  const many = heapBytes()
  const bytesPerMb = 2 ** 20
  return [
    { name: `heap after ${ENDED_FEW} ended agents`, value: few / bytesPerMb, unit: "MB" },
    { name: `heap after ${ENDED_MANY} ended agents`, value: many / bytesPerMb, unit: "MB" },
    {
      name: "memory: 1,000,000 ended ÷ 1,000 ended",
      value: many / few,
      unit: "×",
      target: { atMost: 1.2 },
    },
  ]
}

const heapBytes = (): number => {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
