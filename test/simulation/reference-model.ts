/** The budget, written a second time from the documents alone: an oracle that can disagree. */
type Limit = number | null // null = unlimited
type Weights = Record<(typeof kinds)[number], number> // three decimals; rounded up per call
type Limited = "TokenLimit" | "CostLimitMicroUsd"
type Limits = `${"daily" | "perAgent"}${Limited}` | "maxConcurrentAgents" | "maxTaskDurationMinutes"
type Switches = Record<"enforceHardLimits" | "allowUnbounded" | "allowUnpriced", boolean>
type Aside = { reserveForWrapUp: number }
type Rules = Switches & Aside & { thresholds: readonly number[]; tokenWeights: Weights }
export type ModelSettings = Record<Limits, Limit> & Rules & { holdTimeoutMinutes: number }
export type ModelUsage = Record<`${keyof Weights}Tokens`, number>
/** A token's price in micro-dollars, of input and of output; null = none known. */
export type Ask = { queue: boolean; bounded: boolean; price: Limit; input: number } & Range
type Range = { least: number; most: number } // tokens of the answer
type Told = { reason: string; limit: Limit; used: number; held: number; asked: number }
type Account = Told & { of: "slots" | "agent" | "day" | "nobody" }
type Refusal = Told & { ok: false; never: boolean; retryAt: Limit }
export type Grant = { tokens: number; outputTokens: number; wrapsUp: boolean }
export type Answer = { ok: true; wouldRefuse?: string; grant?: Grant } | Refusal
type Waiting = { agent: Agent; holdId: string; ask: Ask }
class Agent {
  reason: string | null = null // the first cause, latched by `??=`: stopping once it is set
  endedIn: string | null = null // the window in which it ended
  metered = false // from its first reported usage without a hold, or call without a bound
  deadline = Number.POSITIVE_INFINITY // reached at now >= deadline, whatever else falls on that instant
  judged = true // false: metered by a hold, and no report of it has come yet
  wrapping = false // told that only what was set aside is left
  refused: Refusal[] = [] // its refused holds since the last granted one
}
const money = { cost: 0, heldCost: 0, uncertainCost: 0, overrunCost: 0, unpriced: 0 }
const zero = { used: 0, held: 0, uncertain: 0, overrun: 0, raw: 0, ...money }
type Row = { agent: Agent | null; window: string; weights: Weights; usage: ModelUsage }
type Call = typeof zero & Row & { state: "open" | "expired" | "closed"; isPriced: boolean }
const [DAY, FOREVER] = [86_400_000, Number.POSITIVE_INFINITY]
const kinds = ["input", "output", "cacheWrite", "cacheRead"] as const
const nothing = { inputTokens: 0, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 }
const rawOf = (usage: ModelUsage) => Object.values(usage).reduce((sum, tokens) => sum + tokens, 0)
const weigh = (w: Weights, usage: ModelUsage) =>
  Math.ceil(kinds.reduce((sum, k) => sum + Math.round(w[k] * 1000) * usage[`${k}Tokens`], 0) / 1000)
const over = (limit: Limit, sum: number) => limit !== null && sum > limit
const plain = (reason: string, asked: number): Account => ({
  reason,
  limit: null,
  used: 0,
  held: 0,
  asked,
  of: "nobody",
})
const refuse = ({ of: _, ...told }: Account, never = true, retryAt: Limit = null) =>
  ({ ok: false, never, retryAt, ...told }) as const
const expire = (c: Call) => {
  if (c.state !== "open") return // not reported: charged in full, and what it cost if that is known
  const cost = { heldCost: 0, cost: c.heldCost, uncertainCost: c.heldCost }
  const sums = { held: 0, used: c.held, uncertain: c.held, unpriced: c.isPriced ? 0 : 1, ...cost }
  if (c.agent) c.agent.judged = true
  Object.assign(c, sums, { state: "expired" })
}
const costOf = ({ cost, heldCost, uncertainCost, overrunCost, unpriced }: typeof money) => ({
  ...{ dailyCostMicroUsd: cost, heldCostMicroUsd: heldCost, uncertainCostMicroUsd: uncertainCost },
  ...{ overrunCostMicroUsd: overrunCost, unpricedCalls: unpriced },
})
export class ReferenceModel {
  private settings: ModelSettings
  private now = 0 // time that went by: what falls due is due on it, wherever the clock stands
  private setBack = 0 // by how much the wall clock is behind it
  private day = "" // the open window, never an earlier one
  private agents = new Map<string, Agent>()
  private calls = new Map<string, Call>() // every hold and report: all figures are sums of these
  private timers: { at: number; ring: () => unknown }[] = [] // of one instant: the first set first
  private line: Waiting[] = [] // whoever waits for what others hold
  private answers: (readonly [string, Answer])[] = [] // from the line, since somebody asked for them
  constructor(settings: ModelSettings, at: number) {
    this.settings = settings
    this.tick(at)
  }
  spawn(at: number, name: string): Answer {
    if (this.find(at, name)) return refuse(plain("stale", 1)) // unique among live agents
    const { maxTaskDurationMinutes: minutes, maxConcurrentAgents: limit } = this.settings
    if (minutes === 0) return refuse(plain("duration_limit", 1)) // asks 1 token, holds none
    const used = this.live().length
    const slots = { ...plain("concurrency_limit", 1), limit, used, of: "slots" } as const
    const agent = new Agent()
    const answer = this.judge([slots, ...this.path(agent, { tokens: 1, cost: 1 })])
    if (answer.ok) this.agents.set(name, agent)
    agent.deadline = this.now + (minutes ?? FOREVER) * 60_000
    const ring = () => Object.assign(agent, { reason: agent.reason ?? "duration_limit" })
    if (answer.ok) this.timers.push({ at: agent.deadline, ring })
    return answer
  }
  /** Null: it waits in line. */
  hold(at: number, name: string, holdId: string, ask: Ask): Answer | null {
    const agent = this.find(at, name)
    if (!agent) return refuse(plain("stale", this.cost(ask, ask.most).tokens))
    const waiting = { agent, holdId, ask }
    const isBehind = ask.queue && this.line.some((other) => other.agent === agent)
    const answer = isBehind ? null : this.decide(waiting)
    if (answer === null) this.line.push(waiting)
    this.moveOn()
    return answer
  }
  withdraw(at: number, holdId: string): void {
    this.tick(at)
    this.line = this.line.filter((waiting) => waiting.holdId !== holdId)
    this.moveOn()
  }
  told(at: number): (readonly [string, Answer])[] {
    this.tick(at)
    return this.answers.splice(0)
  }
  settle(at: number, holdId: string, usage: ModelUsage, cost: Limit, isReport = true): void {
    this.tick(at)
    const call = this.calls.get(`hold ${holdId}`)
    if (!call || call.state === "closed") return // after expiry it corrects the charge
    const used = weigh(this.settings.tokenWeights, usage)
    const overrun = Math.max(0, used - call.held - call.uncertain) // usage above its hold
    const sums = { held: 0, uncertain: 0, used, overrun, raw: rawOf(usage) }
    const overrunCost = Math.max(0, (cost ?? 0) - call.heldCost - call.uncertainCost)
    const known = { cost: cost ?? 0, uncertainCost: 0, overrunCost, unpriced: 0 }
    const unknown = call.state === "expired" ? {} : { unpriced: 1 } // what was charged stands
    Object.assign(call, sums, cost === null ? unknown : known, { heldCost: 0, state: "closed" })
    if (call.agent && isReport) call.agent.judged = true
    this.moveOn()
  }
  voidHold(at: number, holdId: string): void {
    this.tick(at)
    if (this.calls.get(`hold ${holdId}`)?.state === "open")
      this.settle(at, holdId, nothing, 0, false)
  }
  report(at: number, name: string, usageId: string | null, usage: ModelUsage, cost: Limit): void {
    const agent = this.find(at, name)
    if (!agent) return
    agent.metered = true
    agent.judged = true
    const key = usageId === null ? `call ${this.calls.size}` : `usage ${name} ${usageId}`
    const isNew = !this.calls.has(key)
    const call = this.calls.get(key) ?? this.add(key, agent, {}) // a repeat keeps its window
    const before = rawOf(call.usage)
    for (const k of Object.keys(usage) as (keyof ModelUsage)[])
      call.usage[k] = Math.max(call.usage[k], usage[k])
    const used = weigh(call.weights, call.usage) // later weights do not re-weigh
    Object.assign(call, { used, raw: rawOf(call.usage), overrun: used }) // usage without a hold
    const isGrown = isNew || rawOf(call.usage) !== before // otherwise nothing is new
    if (isGrown) call.isPriced ||= cost !== null
    const spent = Math.max(call.cost, isGrown ? (cost ?? 0) : 0) // a larger count never costs less
    Object.assign(call, { cost: spent, overrunCost: spent, unpriced: call.isPriced ? 0 : 1 })
    this.moveOn()
  }
  stop(at: number, name: string, reason: string): void {
    const agent = this.find(at, name)
    if (agent) agent.reason ??= reason
    this.moveOn()
  }
  exited(at: number, name: string, exit: "completed" | "failed"): void {
    const agent = this.find(at, name)
    const latest = agent?.refused.at(-1) // exits while its latest hold stands refused `never`
    const isByLimit = latest?.never && latest.reason !== "unboundable"
    if (agent) this.end(agent, agent.reason ?? (isByLimit ? latest.reason : exit))
    this.moveOn()
  }
  setBudget(at: number, change: Partial<ModelSettings>): void {
    this.tick(at)
    const { perAgentTokenLimit } = this.settings
    this.settings = { ...this.settings, ...change }
    const limit = this.settings.dailyTokenLimit ?? FOREVER
    const { used, held, overrun, cost, heldCost, overrunCost } = this.sums(null, this.day)
    const overran = Math.max(0, used + held - overrun - limit) // what a lowered limit left over
    const costLimit = this.settings.dailyCostLimitMicroUsd ?? FOREVER
    const overranCost = Math.max(0, cost + heldCost - overrunCost - costLimit)
    this.add(`changed ${this.calls.size}`, null, { overrun: overran, overrunCost: overranCost })
    const isOther = perAgentTokenLimit !== this.settings.perAgentTokenLimit // told once per limit
    for (const agent of this.live()) agent.wrapping &&= !isOther
    for (const agent of this.live()) agent.judged = true
    this.moveOn()
  }
  crash(at: number): void {
    this.tick(at)
    for (const agent of this.live()) this.end(agent, "lost")
    this.line = [] // nobody is there to be answered
  }
  tick(at: number): void {
    this.setBack = Math.max(this.setBack, this.now - at) // a backward step lengthens no life
    const end = at + this.setBack
    for (let next = this.nextDue(end); next !== null; next = this.nextDue(end)) {
      this.turn(next) // in the order of time; reached at now >= deadlineAt
      for (const timer of this.timers.filter(({ at }) => at === next)) {
        timer.ring()
        this.moveOn()
      }
    }
    this.turn(end)
  }
  private nextDue(end: number): Limit {
    const midnight = Date.parse(this.day) + DAY + this.setBack // whoever waits may wait for it
    const instants = [midnight, ...this.timers.map(({ at }) => at)]
    const due = instants.filter((at) => at > this.now && at <= end)
    return due.length === 0 ? null : Math.min(...due)
  }
  private turn(at: number): void {
    this.now = at
    const today = new Date(at - this.setBack).toISOString().slice(0, 10)
    if (today > this.day) this.day = today
    this.moveOn()
  }
  /** Whoever is full stops, and whoever is first of its agent in line is answered when it can be. */
  private moveOn(): void {
    const metered = this.live().filter((agent) => agent.metered && !agent.reason)
    for (const agent of this.settings.enforceHardLimits ? metered : []) {
      const full = this.path(agent, { tokens: 1, cost: 1 }) // stop at used >= limit
        .filter((a) => over(a.limit, a.used + 1))
        .filter((a) => agent.judged || a.of !== "agent") // its own: at the report that reaches it
      const isUnknown = this.sums(agent, null).unpriced > 0 && !this.settings.allowUnpriced
      const unknown = isUnknown && agent.judged && this.limitsMoney() ? "cost_limit" : null
      const own = full.find((a) => a.reason === "agent_token_limit")
      agent.reason = own?.reason ?? unknown ?? full[0]?.reason ?? null
    }
    const isFirst = (w: Waiting) => this.line.find((other) => other.agent === w.agent) === w
    for (const waiting of this.line.filter(isFirst)) {
      const answer = this.decide(waiting)
      if (answer === null) continue
      this.line = this.line.filter((other) => other !== waiting)
      this.answers.push([waiting.holdId, answer])
      this.moveOn()
      return
    }
  }
  summary() {
    this.tick(this.now - this.setBack)
    const [today, { dailyTokenLimit: limit, thresholds }] = [this.day, this.settings]
    const { used, held, uncertain, overrun, ...spent } = this.sums(null, today)
    // A status applies when used x 100 >= limit x threshold; a limit of 0 is 100 %, `exceeded`.
    const reached = thresholds.filter((t) => limit === 0 || used * 100 >= (limit ?? FOREVER) * t)
    const names = ["within_budget", "approaching_limit", "at_limit", "exceeded"] as const
    const dailyUsagePercent = limit === 0 ? 100 : limit && Math.round((used * 10_000) / limit) / 100
    const entry = ([name, agent]: [string, Agent]) => {
      const state = agent.endedIn ? "ended" : agent.reason ? "stopping" : "running"
      const [life, part] = [this.sums(agent, null), this.sums(agent, today)]
      const tokens = { totalTokens: life.used, heldTokens: life.held, windowTokens: part.used }
      const cost = { costMicroUsd: life.cost, heldCostMicroUsd: life.heldCost }
      const more = { ...cost, unpricedCalls: life.unpriced, wrappingUp: agent.wrapping }
      return [
        name,
        { state, reason: agent.reason, ...tokens, rawTokens: life.raw, ...more },
      ] as const
    }
    const shown = [...this.agents].filter(([, a]) => (a.endedIn ?? today) === today)
    const beside = { heldTokens: held, uncertainTokens: uncertain, overrunTokens: overrun }
    const status = { budgetStatus: names[reached.length] ?? "exceeded", dailyUsagePercent }
    const [activeAgents, agents] = [this.live().length, new Map(shown.map(entry))]
    const counted = { dailyTokensUsed: used, ...beside, ...status, ...costOf(spent) }
    return { windowId: today, ...counted, activeAgents, agents }
  }
  private cost({ input, price }: Ask, output: number) {
    const weights = this.settings.tokenWeights // whether input hits a cache is known afterwards
    const dearest = Math.max(weights.input, weights.cacheWrite, weights.cacheRead)
    const usage = { ...nothing, inputTokens: input, outputTokens: output }
    const cost = price === null ? null : price * (input + output)
    return { tokens: weigh({ ...weights, input: dearest }, usage), cost }
  }
  private limitsMoney(): boolean {
    const { perAgentCostLimitMicroUsd: own, dailyCostLimitMicroUsd: day } = this.settings
    return own !== null || day !== null
  }
  /** All it asks for, or as long an answer as fits; null: only held amounts are in the way. */
  private decide({ agent, holdId, ask }: Waiting): Answer | null {
    const { allowUnpriced, allowUnbounded, enforceHardLimits: hard } = this.settings
    if (agent.endedIn) return refuse(plain("stale", this.cost(ask, ask.most).tokens))
    const least = this.cost(ask, ask.least)
    if (agent.reason) return this.refuseLeaving(agent, least)
    if (this.now >= agent.deadline) return refuse(plain("duration_limit", least.tokens))
    const isHeld =
      (ask.bounded || allowUnbounded) &&
      (ask.price !== null || allowUnpriced || !this.limitsMoney()) // never counted as 0
    const judgeAt = (output: number, aside: boolean) =>
      isHeld
        ? this.firstOf(this.path(agent, this.cost(ask, output), aside && !agent.wrapping))
        : refuse(plain("unboundable", least.tokens))
    const lengths = Array.from({ length: ask.most - ask.least + 1 }, (_, n) => ask.most - n)
    const plainly = lengths.find((output) => !judgeAt(output, true))
    const short = judgeAt(ask.least, true)
    const isShort = short?.never === true && short.reason === "agent_token_limit"
    const usesLast = plainly === undefined && isShort // only what was set aside remains
    const fits = usesLast ? lengths.find((output) => !judgeAt(output, false)) : plainly
    const refusal = fits === undefined ? judgeAt(ask.least, !usesLast) : undefined
    if (refusal && hard) return this.refuseHold(agent, ask, refusal)
    if (fits !== undefined && usesLast) agent.wrapping = true
    agent.judged &&= agent.metered || ask.bounded
    agent.metered ||= !ask.bounded
    agent.refused = []
    const outputTokens = hard && fits !== undefined ? fits : ask.most // soft: flagged, and all of it
    const { tokens, cost } = this.cost(ask, outputTokens)
    const held = { held: tokens, heldCost: cost ?? 0, isPriced: cost !== null }
    this.add(`hold ${holdId}`, agent, { ...held, state: "open" })
    const grant = { tokens, outputTokens, wrapsUp: agent.wrapping }
    return refusal ? { ok: true, wouldRefuse: refusal.reason, grant } : { ok: true, grant }
  }
  private refuseLeaving(agent: Agent, asked: { tokens: number; cost: Limit }): Refusal {
    const path = this.path(agent, { ...asked, cost: asked.cost ?? 0 })
    const causes = [plain("duration_limit", asked.tokens), ...path]
    const named = causes.filter((a) => a.reason === agent.reason)
    const full = named.find((a) => a.limit !== null && a.used >= a.limit)
    return refuse(full ?? named.at(-1) ?? plain("draining", asked.tokens))
  }
  private refuseHold(agent: Agent, ask: Ask, told: Refusal): Answer | null {
    if (ask.queue && !told.never && told.retryAt === null) return null
    agent.refused.push(told)
    const own = this.path(agent, this.cost(ask, ask.least)).filter((a) => a.of === "agent")
    const itsOwn = this.firstOf(own.filter((a) => a.reason === told.reason))?.never
    if (told.never && itsOwn) agent.reason = told.reason
    else if (agent.refused.length >= 3)
      agent.reason = told.reason === "unboundable" ? "shutdown" : told.reason // three in a row
    return told
  }
  private judge(path: Account[]): Answer {
    const { enforceHardLimits: hard } = this.settings // slots and duration refuse in both modes
    const refusal = this.firstOf(path.filter((a) => hard || a.of === "slots"))
    const wouldRefuse = this.firstOf(path)?.reason // the same verdict, enforced or not
    return refusal ?? (wouldRefuse ? { ok: true, wouldRefuse } : { ok: true })
  }
  private firstOf(path: Account[]): Refusal | undefined {
    // A request fits when used + held + ask <= limit on every account of its path.
    const spent = (a: Account) => over(a.limit, a.used + a.asked)
    const never = (a: Account) => over(a.limit, a.asked) || (a.of === "agent" && spent(a))
    const blocks = path.filter((a) => a.limit === 0 || over(a.limit, a.used + a.held + a.asked))
    const hopeless = blocks.find((account) => account.limit === 0 || never(account))
    const end = Date.parse(this.day) + DAY // null: only slots or held tokens in the way
    const retryAt = blocks.some((a) => a.of === "day" && spent(a)) ? end : null
    return hopeless ? refuse(hopeless) : blocks[0] && refuse(blocks[0], false, retryAt)
  }
  private path(agent: Agent, asked: { tokens: number; cost: Limit }, setsAside = false): Account[] {
    const { settings } = this
    const [life, today] = [this.sums(agent, null), this.sums(null, this.day)]
    const aside = setsAside ? settings.reserveForWrapUp : 0
    const own = settings.perAgentTokenLimit
    const tokens = (sums: typeof zero) => ({
      used: sums.used,
      held: sums.held,
      asked: asked.tokens,
    })
    const limits = { own: own === null ? null : Math.max(0, own - aside) }
    const agents = { reason: "agent_token_limit", limit: limits.own, of: "agent" } as const
    const days = {
      reason: "daily_token_limit",
      limit: settings.dailyTokenLimit,
      of: "day",
    } as const
    const [a, b] = [
      { ...agents, ...tokens(life) },
      { ...days, ...tokens(today) },
    ]
    if (asked.cost === null) return [a, b]
    const spent = (sums: typeof zero) => ({
      used: sums.cost,
      held: sums.heldCost,
      asked: asked.cost ?? 0,
    })
    const [ownCost, dayCost] = [settings.perAgentCostLimitMicroUsd, settings.dailyCostLimitMicroUsd]
    const c: Account = { reason: "cost_limit", limit: ownCost, of: "agent", ...spent(life) }
    const d: Account = { reason: "cost_limit", limit: dayCost, of: "day", ...spent(today) }
    return [a, c, b, d]
  }
  private live = () => [...this.agents.values()].filter((agent) => !agent.endedIn)
  private find(at: number, name: string): Agent | undefined {
    this.tick(at)
    return this.live().find((agent) => agent === this.agents.get(name))
  }
  private sums(agent: Agent | null, window: string | null): typeof zero {
    const sums = { ...zero }
    for (const call of this.calls.values())
      if ((agent ?? call.agent) === call.agent && (window ?? call.window) === call.window)
        for (const kind of Object.keys(zero) as (keyof typeof zero)[]) sums[kind] += call[kind]
    return sums
  }
  private add(key: string, agent: Agent | null, more: Partial<Call>): Call {
    const [usage, weights] = [{ ...nothing }, this.settings.tokenWeights]
    const row = { agent, window: this.day, weights, usage }
    const call: Call = { ...zero, ...row, state: "closed", isPriced: false, ...more }
    const after = this.settings.holdTimeoutMinutes * 60_000
    this.timers.push({ at: this.now + after, ring: () => expire(call) })
    this.calls.set(key, call)
    return call
  }
  private end(agent: Agent, reason: string): void {
    Object.assign(agent, { reason, endedIn: this.day })
    for (const call of this.calls.values()) if (call.agent === agent) expire(call)
  }
}
