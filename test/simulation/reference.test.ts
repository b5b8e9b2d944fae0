/**
 * The production machines against a model written from the documents alone: the same commands,
 * crashes among them, and after each the same answer and the same summary. Stories told by hand
 * reach every verdict; stories drawn at random look for what nobody thought of.
 */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type BudgetSettings, DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { type Command, commands, settings } from "./reference-commands.ts"
import { Pair } from "./reference-pair.ts"
import { STORIES } from "./reference-stories.ts"
import { ReachedVerdicts, VERDICTS } from "./reference-verdicts.ts"

const RUNS = Number(process.env.STINT_RUNS ?? 800)

/** Seconds as a rule; the bound is for machines with much else to do. */
const PATIENCE = { timeout: 600_000 }

/** Some twenty verdicts are so rare that a run misses a few; one that misses a quarter draws badly. */
const ENOUGH = VERDICTS.length * 0.75

const drawn = fc.array(commands, { minLength: 1, maxLength: 80, size: "max" })

const drawnTimes = (numRuns: number) => {
  const seed = process.env.STINT_SEED
  return { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) }
}

const live = (
  chosen: Partial<BudgetSettings>,
  story: readonly Command[],
  reached: ReachedVerdicts,
): void => {
  const pair = new Pair({ ...DEFAULT_SETTINGS, ...chosen }, reached)
  for (const command of story) pair.run(command)
}

describe("the machines and the model written from the documents tell the same story", () => {
  it.each(STORIES)("$name", ({ settings: chosen, commands: story, reaches }) => {
    const reached = new ReachedVerdicts()
    live(chosen, story, reached)
    expect(reaches.filter((verdict) => !reached.has(verdict))).toEqual([])
  })

  it("by hand, of every verdict", () => {
    const told = new Set(STORIES.flatMap(({ reaches }) => reaches))
    expect(VERDICTS.filter((verdict) => !told.has(verdict))).toEqual([])
  })

  it("drawn at random", PATIENCE, () => {
    const reached = new ReachedVerdicts()
    fc.assert(
      fc.property(settings, drawn, (chosen, story) => live(chosen, story, reached)),
      drawnTimes(RUNS),
    )
    process.stdout.write(`\nVerdicts reached at random\n${reached}\n`)
    expect(VERDICTS.filter((verdict) => reached.has(verdict)).length).toBeGreaterThan(ENOUGH)
  })

  it("drawn at random, from where one told by hand ends", PATIENCE, () => {
    const beginnings = fc.constantFrom(...STORIES)
    fc.assert(
      fc.property(beginnings, drawn, ({ settings: chosen, commands: told }, story) =>
        live(chosen, [...told, ...story], new ReachedVerdicts()),
      ),
      drawnTimes(Math.ceil(RUNS / 4)),
    )
  })
})
