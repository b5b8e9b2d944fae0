/**
 * Many worlds, one seed each. A failure prints its seed: `STINT_SEED=… npx vitest run …` lives
 * that world again. The run fails as a whole when it never met what it is there for.
 */
import { expect, test, vi } from "vitest"
import { foldAll } from "../../machines/budget/fold.ts"
import { emptyBudget } from "../../machines/budget/recovery.ts"
import type { Refusal, Row } from "../../machines/budget/row.ts"
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
      for (const [what, times] of world.met) met.set(what, (met.get(what) ?? 0) + times)
    }
    const table = [...met].sort().map(([what, times]) => `${String(times).padStart(7)}  ${what}`)
    process.stdout.write(`\nSeeds ${FIRST_SEED} to ${SEEDS.at(-1)} met\n${table.join("\n")}\n`)
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

/** Hard mode's own: for want of tokens or of money, or of a bound. */
const isHards = (reason: string): boolean => /token|cost|unboundable/.test(reason)

/** What hard mode refuses; soft mode grants it and says so. */
const verdictOn = (row: Row): Refusal | null => {
  if (row.kind === "admitted" || row.kind === "hold_placed") return row.wouldRefuse
  return row.kind === "refused" && isHards(row.refusal.reason) ? row.refusal : null
}

/** An answer that hard mode cuts is no refusal, but from here on the histories differ. */
const isCut = (row: Row): boolean => row.kind === "hold_placed" && row.askedTokens !== undefined

/** Hard mode acts: from here on the two histories are different ones. */
const stopsForTokens = (row: Row): boolean => row.kind === "stop_requested" && isHards(row.reason)

/** A row but for the mode, and for how long a full day keeps a free slot out of reach. */
const withoutMode = (row: Row): Row => {
  if (row.kind === "budget_set")
    return { ...row, settings: { ...row.settings, enforceHardLimits: true } }
  if (row.kind === "refused" && row.refusal.reason === "concurrency_limit")
    return { ...row, refusal: { ...row.refusal, retryAt: null } }
  return row
}

/** Who is refused for good by tokens, and lacks a slot too, is told only that in soft mode. */
const wantsSlot = (history: readonly Row[], row: Row): boolean => {
  const { slotsTaken, settings } = foldAll(emptyBudget(), history)
  const max = settings.maxConcurrentAgents ?? Number.POSITIVE_INFINITY
  return row.kind === "refused" && row.subject === "spawn" && slotsTaken >= max
}

const firstVerdict = (history: readonly Row[]): number => {
  const differs = (row: Row) => verdictOn(row) !== null || stopsForTokens(row) || isCut(row)
  const first = history.findIndex(differs)
  return first < 0 ? history.length : first
}

/** In hard mode who may wait is not refused while held amounts are in its way: it waits. */
const waitsInLine = (row: Row, flagged: Row): boolean =>
  (flagged.kind === "admitted" || flagged.kind === "hold_placed") &&
  flagged.wouldRefuse?.retryAt === null &&
  (verdictOn(row) === null || isOfAnother(row, flagged))

/** Hard mode's first verdict is on somebody who came after the one that waits. */
const isOfAnother = (row: Row, flagged: Row): boolean =>
  row.kind === "refused" && flagged.kind === "hold_placed" && row.requestId !== flagged.holdId

test("S13: on the same history soft mode's first verdict is hard mode's", PATIENCE, async () => {
  let compared = 0
  const seeds = SEEDS.filter((_, n) => n % 2 === 0)
  for (const seed of seeds) {
    const histories: (readonly Row[])[] = []
    for (const mode of ["hard", "soft"] as const) {
      const world = new Simulation({ seed, steps: STEPS, mode, faults: false })
      histories.push((await live(world, seed)).rows)
    }
    const [hard = [], soft = []] = histories
    const shared = Math.min(firstVerdict(hard), firstVerdict(soft))
    expect(soft.slice(0, shared).map(withoutMode)).toEqual(hard.slice(0, shared).map(withoutMode))
    const [refused, flagged] = [hard[shared], soft[shared]]
    if (refused === undefined || flagged === undefined || stopsForTokens(refused)) continue
    if (isCut(refused)) continue
    if (wantsSlot(hard.slice(0, shared), refused) || waitsInLine(refused, flagged)) continue
    expect({ seed, verdict: verdictOn(flagged) }).toEqual({ seed, verdict: verdictOn(refused) })
    compared += 1
  }
  process.stdout.write(`\nVerdicts of both modes compared in ${compared} worlds\n`)
  if (chosen === undefined) expect(compared).toBeGreaterThan(seeds.length / 10)
})
