/** The machines and the model written from the documents, side by side through the same commands. */
import { expect } from "vitest"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { type AgentSummary, summarise } from "../../machines/budget/summary.ts"
import type { Answer } from "../../machines/supervisor-setup.ts"
import { DrivenSupervisor } from "./driven-supervisor.ts"
import { type Command, NOBODY } from "./reference-commands.ts"
import {
  type Ask,
  type Answer as ModelAnswer,
  type ModelUsage,
  ReferenceModel,
} from "./reference-model.ts"
import type { ReachedVerdicts } from "./reference-verdicts.ts"

const START = Date.UTC(2026, 2, 14, 23, 30)

const seen = (answer: Answer): ModelAnswer => {
  const { granted, refusal, grant } = answer
  const given = grant === null ? {} : { grant }
  if (granted && refusal === null) return { ok: true, ...given }
  if (granted && refusal !== null) return { ok: true, wouldRefuse: refusal.reason, ...given }
  if (refusal === null) throw new Error("refused, and nobody says why")
  return { ok: false, ...refusal }
}

/** A token costs a whole number of micro-dollars, so that the model may multiply plainly. */
const askOf = ({ input, least, most, price, bounded, queue }: Ask) => {
  const pico = (price ?? 0) * 1_000_000
  const known = { inputPicoUsd: pico, outputPicoUsd: pico, perCallMicroUsd: 0 }
  const outputTokens = { least, most }
  const call = {
    inputTokens: input,
    outputTokens,
    answers: 1,
    price: price === null ? null : known,
  }
  return { call, isBounded: bounded, queue }
}

const verdictOf = (subject: string, answer: ModelAnswer): string => {
  if (answer.ok)
    return `${subject} granted${answer.wouldRefuse ? `, hard refuses ${answer.wouldRefuse}` : ""}`
  const when = answer.retryAt === null ? "" : " until the window's end"
  return `${subject} ${answer.reason} ${answer.never ? "never" : "wait"}${when}`
}

const STATES = { starting: "running", unkillable: "stopping" } as const

const entryOf = (agent: AgentSummary) => {
  const { reason, totalTokens, heldTokens, windowTokens, rawTokens } = agent
  const { costMicroUsd, heldCostMicroUsd, unpricedCalls, wrappingUp } = agent
  const more = { costMicroUsd, heldCostMicroUsd, unpricedCalls, wrappingUp }
  const state = agent.state in STATES ? STATES[agent.state as keyof typeof STATES] : agent.state
  return [
    agent.agentId,
    { state, reason, totalTokens, heldTokens, windowTokens, rawTokens, ...more },
  ] as const
}

const summaryOf = (real: DrivenSupervisor) => {
  const { budget } = real
  const summary = summarise(budget)
  const { dailyTokensUsed, heldTokens, uncertainTokens, overrunTokens } = summary
  const { budgetStatus, dailyUsagePercent, activeAgents } = summary
  const { dailyCostMicroUsd, heldCostMicroUsd, uncertainCostMicroUsd } = summary
  const { overrunCostMicroUsd, unpricedCalls } = summary
  const costs = { dailyCostMicroUsd, heldCostMicroUsd, uncertainCostMicroUsd, overrunCostMicroUsd }
  const agents = new Map(summary.agentUsage.map(entryOf))
  const sums = { dailyTokensUsed, heldTokens, uncertainTokens, overrunTokens }
  const status = { budgetStatus, dailyUsagePercent, activeAgents }
  return { windowId: budget.window.id, ...sums, ...costs, unpricedCalls, ...status, agents }
}

/** One history, lived twice. */
export class Pair {
  private readonly real: DrivenSupervisor
  private readonly model: ReferenceModel
  private readonly reached: ReachedVerdicts
  private spawned = 0
  private readonly holds: string[] = []
  private readonly settled = new Set<string>()
  private readonly waiting = new Set<string>()

  constructor(settings: BudgetSettings, reached: ReachedVerdicts) {
    this.reached = reached
    this.real = new DrivenSupervisor(settings, START)
    this.model = new ReferenceModel(settings, START)
  }

  run(command: Command): void {
    const before = this.real.rows.length
    const lonely = "who" in command && command.who !== NOBODY && this.real.living().length === 0
    if (lonely) this.spawn(NOBODY)
    else this.obey(command)
    this.noteRows(before)
    this.compareLine()
    this.compare()
  }

  private obey(command: Command): void {
    switch (command.do) {
      case "spawn":
        this.spawn(command.who)
        return
      case "hold":
        this.hold(this.name(command.who), command.ask)
        return
      case "withdraw":
        this.withdraw(command.which)
        return
      case "settle":
        this.settle(command.hold, command.usage, command.cost)
        return
      case "void": {
        const id = this.holdAt(command.hold)
        this.real.voidHold(id)
        this.model.voidHold(this.now, id)
        return
      }
      case "report": {
        const name = this.name(command.who)
        this.real.report(name, command.id, command.usage, command.cost)
        this.model.report(this.now, name, command.id, command.usage, command.cost)
        return
      }
      case "stop": {
        const name = this.name(command.who)
        this.real.stop(name, command.reason)
        this.model.stop(this.now, name, command.reason)
        return
      }
      case "exit": {
        const name = this.name(command.who)
        this.real.exited(name, command.outcome)
        this.model.exited(this.now, name, command.outcome)
        return
      }
      case "set":
        this.real.setBudget(command.change)
        this.model.setBudget(this.now, command.change)
        return
      case "wait":
        this.pass(command.ms)
        return
      case "waitUntilDue": {
        const dues = this.real.dueInstants()
        this.passUntil((dues[command.which % dues.length] ?? this.now) + command.off)
        return
      }
      case "waitUntilMidnight":
        this.passUntil(this.real.budget.window.endsAt + command.off)
        return
      case "setBack":
        this.reached.reach("a clock set back")
        this.real.clock.setBack(command.ms)
        this.model.tick(this.now)
        return
      case "crash": {
        if (this.real.budget.day.held > 0) this.reached.reach("crash with an open hold")
        this.waiting.clear()
        this.real.crash(command.checkpoint % (this.real.rows.length + 1))
        this.model.crash(this.now)
        return
      }
    }
  }

  private get now(): number {
    return this.real.clock.now()
  }

  private pass(ms: number): void {
    this.real.clock.pass(ms)
    this.real.checkChart()
    this.model.tick(this.now)
  }

  private passUntil(at: number): void {
    this.pass(Math.max(0, at - this.now))
  }

  /** Now and then under the name of somebody alive; otherwise under a new one. */
  private spawn(who: number): void {
    const taken = who === 0 ? this.real.living()[0] : undefined
    const name = taken ?? `agent ${this.spawned++}`
    this.agree("spawn", this.real.spawn(name), this.model.spawn(this.now, name))
  }

  private hold(name: string, ask: Ask): void {
    const id = `hold ${this.holds.length}`
    this.holds.push(id)
    const answer = this.real.holdCall(name, id, askOf(ask))
    const expected = this.model.hold(this.now, name, id, ask)
    if (answer !== undefined && expected !== null) {
      this.agree("hold", answer, expected)
      if (expected.ok && (expected.grant?.outputTokens ?? 0) < ask.most)
        this.reached.reach("an answer cut")
      return
    }
    expect([answer, expected]).toEqual([undefined, null])
    this.waiting.add(id)
    this.reached.reach("waits in line")
  }

  private withdraw(which: number): void {
    const waiting = [...this.waiting]
    const id = waiting[which % waiting.length] ?? "nobody's"
    if (this.waiting.delete(id)) this.reached.reach("withdrawn from the line")
    this.real.withdraw(id)
    this.model.withdraw(this.now, id)
  }

  /** Who waited is answered in the same order, and the same. */
  private compareLine(): void {
    const real = this.real.takeAnswers()
    expect(real.map((answer) => [answer.id, seen(answer)])).toEqual(this.model.told(this.now))
    for (const { id, granted, refusal } of real) {
      this.waiting.delete(id)
      this.reached.reach(
        granted ? "granted from the line" : `refused from the line: ${refusal?.reason}`,
      )
    }
  }

  private settle(which: number, used: ModelUsage, cost: number | null): void {
    const id = this.holdAt(which)
    this.real.settle(id, used, cost)
    this.model.settle(this.now, id, used, cost)
    this.settled.add(id)
  }

  /** One not yet settled; the last number stands for one that is, or never was. */
  private holdAt(which: number): string {
    const unsettled = this.holds.filter((id) => !this.settled.has(id))
    const id = (which === NOBODY ? this.holds : unsettled).at(-1 - which)
    return id ?? "nobody's"
  }

  /** Somebody alive; the last number stands for somebody who is not. */
  private name(which: number): string {
    const living = this.real.living()
    return which === NOBODY || living.length === 0
      ? `agent ${this.spawned - 1}`
      : (living[which % living.length] ?? "nobody")
  }

  private agree(subject: string, real: Answer, model: ModelAnswer): void {
    expect(seen(real)).toEqual(model)
    this.reached.reach(verdictOf(subject, model))
  }

  private compare(): void {
    const [real, model] = [summaryOf(this.real), this.model.summary()]
    expect(real).toEqual(model)
    this.reached.reach(`status ${model.budgetStatus}`)
    for (const { state, reason } of model.agents.values())
      if (state !== "running") this.reached.reach(`${state} by ${reason}`)
  }

  private noteRows(from: number): void {
    for (const row of this.real.rows.slice(from)) {
      if (row.kind === "window_opened") this.reached.reach("a new day")
      if (row.kind === "hold_expired") this.reached.reach("expired")
      if (row.kind === "hold_voided") this.reached.reach("voided")
      if (row.kind === "hold_placed" && row.wrapUp === true) this.reached.reach("wrapping up")
      if (row.kind === "hold_settled" && row.tokens < row.heldTokens)
        this.reached.reach("settled below its hold")
      if (row.kind === "hold_settled" && row.tokens > row.heldTokens)
        this.reached.reach("settled above its hold")
      if (row.kind === "corrected")
        this.reached.reach("holdId" in row.ref ? "settled late" : "report repeated and grown")
    }
  }
}
