/**
 * A world from one seed: the real host on a fake clock, a fake disk and fake agents. Everything
 * that happens is chosen by the seed; the invariants are checked after every row.
 */
import pino from "pino"
import type { Row } from "../../machines/budget/row.ts"
import { summarise } from "../../machines/budget/summary.ts"
import {
  type BudgetOptions,
  LedgerUnavailable,
  type Supervisor,
  startSupervisor,
} from "../../src/index.ts"
import type { Asked } from "./both-modes.ts"
import { fakeClock } from "./fake-clock.ts"
import { Fleet } from "./fleet.ts"
import { Invariants } from "./invariants.ts"
import { PromisesKept } from "./promises-kept.ts"
import { SeededRandom } from "./seeded-random.ts"
import { SimulatedDisk } from "./simulated-disk.ts"

export interface Scenario {
  readonly seed: number
  readonly steps: number
  /** `any`: the mode changes on the way. */
  readonly mode: "any" | "hard" | "soft"
  /** Crashes, full disks and clocks set back. */
  readonly faults: boolean
}

const START = Date.UTC(2026, 2, 14, 20)
const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** In all, so that the day does not begin more than 26 hours ahead of the clock. */
const SET_BACK_MAX_MS = 10 * 60 * MINUTE_MS
const PATIENCE_TURNS = 200

const logger = pino({ level: "silent" })

/** Lets everything run that is not waiting for the clock or the disk. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

export class Simulation {
  /** What was met on the way, and how often. */
  readonly met = new Map<string, number>()
  /** What was done, for whoever has to understand a failure. */
  readonly story: string[] = []
  private readonly scenario: Scenario
  private readonly random: SeededRandom
  private readonly clock = fakeClock(START)
  private readonly disk: SimulatedDisk
  private readonly promises: PromisesKept
  private watch = new Invariants()
  private settings: BudgetOptions
  private readonly fleet: Fleet
  private supervisor: Supervisor | null = null
  private setBackMs = 0
  private broken: unknown = null

  constructor(scenario: Scenario) {
    this.scenario = scenario
    this.random = new SeededRandom(scenario.seed)
    this.disk = new SimulatedDisk((row) => this.checkRow(row))
    this.promises = new PromisesKept(this.disk, () => this.running.budget().enforceHardLimits)
    this.settings = this.someSettings()
    this.fleet = new Fleet({
      random: this.random,
      promises: this.promises,
      supervisor: () => this.running,
      diskFails: () => this.disk.failsNow,
      tell: (what) => this.tell(what),
      meet: (what) => this.meet(what),
      guard: (check) => this.guard(check),
    })
  }

  get rows(): readonly Row[] {
    return this.disk.rows
  }

  get asked(): ReadonlyMap<string, Asked> {
    return this.fleet.asks
  }

  async run(): Promise<void> {
    await this.start()
    for (let step = 0; step < this.scenario.steps; step += 1) await this.step()
    await this.comeToRest()
  }

  private get running(): Supervisor {
    if (this.supervisor === null) throw new Error("no supervisor is running")
    return this.supervisor
  }

  private async step(): Promise<void> {
    const { fleet } = this
    const calm = [
      [14, () => fleet.spawn()],
      [3, () => fleet.spawnAgain()],
      [26, () => fleet.hold()],
      [4, () => fleet.holdAgain()],
      [10, () => fleet.call()],
      [16, () => fleet.settle()],
      [3, () => fleet.voidHold()],
      [12, () => fleet.report()],
      [5, () => fleet.leave()],
      [2, () => fleet.stop()],
      [14, () => this.passTime()],
      [3, () => this.setBudget()],
      [1, () => this.restart()],
    ] as const
    const faults = [
      [2, () => this.setBack()],
      [2, () => this.fillDisk()],
      [3, () => this.crash()],
    ] as const
    this.disk.beginTurn()
    const act = this.random.choose(this.scenario.faults ? [...calm, ...faults] : calm)
    await act?.()
    this.writeSome()
    await turn()
    this.checkStanding()
  }

  private passTime(): void {
    const untilAlarm = (this.clock.nextAlarmAt() ?? this.clock.now()) - this.clock.now()
    const untilMidnight = DAY_MS - (this.clock.now() % DAY_MS)
    const ms = this.random.choose([
      [4, untilAlarm],
      [2, Math.max(0, untilAlarm - 1)],
      [4, this.random.pick([1, 1_000, 5_000, MINUTE_MS, 16 * MINUTE_MS])],
      [1, untilMidnight - this.random.pick([0, 1])],
    ])
    this.pass(ms ?? 0)
  }

  private pass(ms: number): void {
    this.tell(`${ms} ms go by`)
    this.clock.pass(ms)
  }

  private setBudget(): void {
    const changed = this.someSettings()
    const keys = Object.keys(changed) as (keyof typeof changed)[]
    const key = this.random.oneOf(keys) ?? "dailyTokenLimit"
    this.settings = { ...this.settings, [key]: changed[key] }
    this.tell(`set ${key} to ${JSON.stringify(changed[key])}`)
    const { supervisor } = this
    this.running.setBudget({ [key]: changed[key] }).catch((error) => {
      if (supervisor === this.supervisor) this.guard(() => this.promises.unacknowledged(error))
    })
  }

  private setBack(): void {
    const ms = this.random.pick([1, 1_000, MINUTE_MS, 60 * MINUTE_MS])
    if (this.setBackMs + ms > SET_BACK_MAX_MS) return
    this.setBackMs += ms
    this.tell(`the clock is set back by ${ms} ms`)
    this.meet("the clock was set back")
    this.clock.setBack(ms)
  }

  private fillDisk(): void {
    this.disk.isFull = true
    this.tell("the disk is full")
  }

  private writeSome(): void {
    if (this.disk.isFull && this.random.chance(25)) {
      this.disk.isFull = false
      this.tell("the disk has room")
    }
    const failures = this.disk.failures
    if (this.random.chance(65)) this.disk.write()
    else if (this.random.chance(50)) this.disk.write(1)
    if (this.disk.failures > failures) this.meet("a row was refused with ENOSPC")
  }

  /** Power fails; some of what was on its way to the disk arrived, and nobody heard of it. */
  private async crash(): Promise<void> {
    const pending = this.disk.pendingRows
    const survivors = this.random.below(pending + 1)
    const unheard = this.disk.crash(survivors)
    this.tell(`crash: ${unheard.length} of ${pending} waiting rows survive`)
    if (unheard.some((row) => row.kind === "admitted" || row.kind === "hold_placed"))
      this.meet("a durable row whose effect never ran")
    if (unheard.length < pending) this.meet("undurable rows were lost")
    if (this.random.chance(20)) this.fillDisk()
    await this.startAgain()
  }

  private async restart(): Promise<void> {
    this.tell("restart")
    await this.close()
    await this.startAgain()
  }

  private async startAgain(): Promise<void> {
    this.supervisor = null
    this.fleet.vanish()
    this.clock.reboot()
    if (this.random.chance(30)) this.pass(this.random.pick([1, 20 * MINUTE_MS, DAY_MS]))
    await this.start()
  }

  /** On a full disk nothing starts; with room it starts from exactly what was written. */
  private async start(): Promise<void> {
    this.watch = new Invariants()
    for (const row of this.disk.rows) this.watch.check(row)
    const { clock, settings: budget } = this
    const starting = startSupervisor({ budget, clock, logger, ledger: this.disk.open() })
    const started = await this.untilSettled(starting)
    if (started instanceof Error) {
      if (!(started instanceof LedgerUnavailable && this.disk.isFull)) throw started
      this.tell("nothing starts on a full disk")
      this.meet("a start was refused")
      this.disk.crash(0)
      this.disk.isFull = false
      return this.start()
    }
    this.supervisor = started
    this.checkStanding()
  }

  private async close(): Promise<void> {
    const closing = this.running.close()
    const closed = await this.untilSettled(closing, () => this.fleet.everybodyLeaves())
    if (!(closed instanceof Error)) return
    if (!(closed instanceof LedgerUnavailable)) throw closed
    this.tell("closing could not write everything")
    this.disk.crash(0)
  }

  /** Everything heals, everybody leaves: then nothing may be left over. */
  private async comeToRest(): Promise<void> {
    this.tell("everything heals")
    this.disk.isFull = false
    this.disk.write()
    await turn()
    await this.close()
    this.watch.checkAtRest()
    this.rethrow()
  }

  private async untilSettled<A>(promise: Promise<A>, each = () => {}): Promise<A | Error> {
    let outcome: { readonly is: A | Error } | undefined
    promise.then(
      (is) => {
        outcome = { is }
      },
      (error) => {
        outcome = { is: error instanceof Error ? error : new Error(String(error)) }
      },
    )
    for (let turns = 0; turns < PATIENCE_TURNS; turns += 1) {
      each()
      this.disk.write()
      await turn()
      if (outcome !== undefined) return outcome.is
    }
    throw new Error(`L1: still waiting after ${PATIENCE_TURNS} turns`)
  }

  private checkRow(row: Row): void {
    this.guard(() => this.watch.check(row))
    if (row.kind === "usage_recorded" && row.costMicroUsd) this.meet("money was reported")
    if (row.kind === "hold_expired" && row.at >= START) this.meet("a hold expired")
    if (row.kind === "refused") this.meet(`refused by ${row.refusal.reason}`)
    if (row.kind === "ended") this.meet(`ended by ${row.reason}`)
    if (row.kind === "corrected" && "holdId" in row.ref) this.meet("a hold was settled late")
    if (row.kind === "budget_set" && !row.settings.enforceHardLimits) this.meet("soft mode")
    const { day } = this.watch.budget
    if (day.limit !== null && day.limit > 0 && day.confirmed + day.uncertain >= day.limit)
      this.meet("the day was exhausted")
  }

  /** H1: what it shows is the fold of what it wrote. */
  private checkStanding(): void {
    this.rethrow()
    const [shown, folded] = [this.running.summary(), summarise(this.watch.budget)]
    if (JSON.stringify(shown) !== JSON.stringify(folded))
      throw new Error(`H1: shows ${JSON.stringify(shown)}, rows say ${JSON.stringify(folded)}`)
  }

  private guard(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.broken ??= error
    }
  }

  private rethrow(): void {
    if (this.broken !== null) throw this.broken
  }

  private someSettings() {
    const { random, scenario } = this
    const hard = random.chance(80)
    return {
      dailyTokenLimit: random.pick([300, 1_000, 1_000, 1_000, 3_000, 3_000, 0, null]),
      perAgentTokenLimit: random.pick([100, 300, 300, 300, 300, 1_000, 1, null]),
      maxConcurrentAgents: random.pick([2, 4, 4, 1, null]),
      maxTaskDurationMinutes: random.pick([30, 120, null]),
      holdTimeoutMinutes: random.pick([1, 15]),
      enforceHardLimits: scenario.mode === "any" ? hard : scenario.mode === "hard",
    }
  }

  private meet(what: string): void {
    this.met.set(what, (this.met.get(what) ?? 0) + 1)
  }

  private tell(what: string): void {
    this.story.push(`${new Date(this.clock.now()).toISOString()} ${what}`)
  }
}
