/**
 * Many worlds, one seed each. A failure prints its seed: `STINT_SEED=… npx vitest run …` lives
 * that world again. The run fails as a whole when it never met what it is there for.
 */
import { beforeAll, describe, expect, it, test, vi } from "vitest"
import { compareEveryGrant, compareUpToParting } from "./both-modes.ts"
import { Simulation } from "./simulation.ts"

const ids = vi.hoisted(() => ({ next: 0 }))
vi.mock("node:crypto", async (original) => ({
  ...(await original<typeof import("node:crypto")>()),
  randomUUID: () => {
    ids.next += 1
    return `id-${ids.next}`
  },
}))

const STEPS = 150
const WORLDS = Number(process.env.STINT_WORLDS ?? 100)
const chosen = process.env.STINT_SEED
const FIRST_SEED = chosen === undefined ? Date.now() % 1_000_000_000 : Number(chosen)
const SEEDS = Array.from({ length: chosen === undefined ? WORLDS : 1 }, (_, n) => FIRST_SEED + n)

/** Seconds as a rule; the bound is for machines with much else to do. */
const PATIENCE = { timeout: 600_000 }

const MUST_MEET = [
  "the day was exhausted",
  "a hold expired",
  "the clock was set back",
  "a row was refused with ENOSPC",
  "a durable row whose effect never ran",
  "undurable rows were lost",
  "a start was refused",
  "a hold was settled late",
  "an agent was deaf",
  "soft mode",
  "refused by cost_limit",
  "ended by cost_limit",
  "refused by unboundable",
  "a call was granted that might wait",
  "an answer was cut",
]

const addUp = (counts: Map<string, number>, more: Iterable<readonly [string, number]>): void => {
  for (const [what, times] of more) counts.set(what, (counts.get(what) ?? 0) + times)
}

const tableOf = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort()
    .map(([what, times]) => `${String(times).padStart(7)}  ${what}`)
    .join("\n")

const live = async (simulation: Simulation, seed: number): Promise<Simulation> => {
  try {
    ids.next = 0
    await simulation.run()
    return simulation
  } catch (error) {
    const last = simulation.story.slice(-Number(process.env.STINT_STORY ?? 40)).join("\n  ")
    throw new Error(`STINT_SEED=${seed}: ${String(error)}\nThe story so far:\n  ${last}`)
  }
}

test(
  `${SEEDS.length} worlds from seed ${FIRST_SEED} on keep every invariant after every row`,
  PATIENCE,
  async () => {
    const met = new Map<string, number>(MUST_MEET.map((what) => [what, 0]))
    for (const seed of SEEDS) {
      const world = new Simulation({ seed, steps: STEPS, mode: "any", faults: true })
      await live(world, seed)
      addUp(met, world.met)
    }
    process.stdout.write(`\nSeeds ${FIRST_SEED} to ${SEEDS.at(-1)} met\n${tableOf(met)}\n`)
    if (chosen === undefined) expect(MUST_MEET.filter((what) => met.get(what) === 0)).toEqual([])
  },
)

test("a seed tells its story again, row for row", PATIENCE, async () => {
  const scenario = { seed: FIRST_SEED, steps: STEPS, mode: "any", faults: true } as const
  const first = await live(new Simulation(scenario), FIRST_SEED)
  const second = await live(new Simulation(scenario), FIRST_SEED)
  expect(second.story).toEqual(first.story)
  expect(second.rows).toEqual(first.rows)
})

const ofSeed = <A>(seed: number, compare: () => A): A => {
  try {
    return compare()
  } catch (error) {
    throw new Error(`STINT_SEED=${seed}`, { cause: error })
  }
}

interface BothModes {
  readonly seed: number
  readonly hard: Simulation
  readonly soft: Simulation
}

describe("S13", () => {
  const pairs: BothModes[] = []

  beforeAll(async () => {
    const steady = { steps: STEPS, faults: false }
    for (const seed of SEEDS.filter((_, n) => n % 2 === 0)) {
      const hard = await live(new Simulation({ ...steady, seed, mode: "hard" }), seed)
      const soft = await live(new Simulation({ ...steady, seed, mode: "soft" }), seed)
      pairs.push({ seed, hard, soft })
    }
  }, PATIENCE.timeout)

  it("on the same history soft mode's first verdict is hard mode's", () => {
    const partings = new Map<string, number>()
    for (const { seed, hard, soft } of pairs) {
      const parting = ofSeed(seed, () => compareUpToParting(hard, soft))
      addUp(partings, [[parting, 1]])
    }
    process.stdout.write(`\nHow the modes part\n${tableOf(partings)}\n`)
    const same = partings.get("of one request both say the same") ?? 0
    // Nearly nine worlds in ten; in most of the others hard mode stops somebody, and soft mode nobody.
    if (chosen === undefined) expect(same).toBeGreaterThan(pairs.length / 2)
  })

  it("all that soft mode grants and flags is what hard mode would decide there", () => {
    const said = new Map<string, number>()
    for (const { seed, soft } of pairs) {
      const saidOfIt = ofSeed(seed, () => compareEveryGrant(soft))
      addUp(said, saidOfIt)
    }
    process.stdout.write(`\nHard mode's decisions on what soft mode granted\n${tableOf(said)}\n`)
    const flags = [...said].filter(([verdict]) => !verdict.startsWith("admits"))
    const flagged = flags.reduce((sum, [, times]) => sum + times, 0)
    if (chosen === undefined) expect(flagged).toBeGreaterThan(pairs.length)
  })
})
