/** The budget, written a second time from the documents alone: an oracle that can disagree. */
type Limit = number | null // null = unlimited
type Weights = Record<(typeof kinds)[number], number> // three decimals; rounded up per call
type Tokens = "dailyTokenLimit" | "perAgentTokenLimit"
type Limits = Tokens | "maxConcurrentAgents" | "maxTaskDurationMinutes"
type Rules = { enforceHardLimits: boolean; thresholds: readonly number[]; tokenWeights: Weights }
export type ModelSettings = Record<Limits, Limit> & Rules & { holdTimeoutMinutes: number }
export type ModelUsage = Record<`${keyof Weights}Tokens`, number>
type Account = { reason: string; limit: Limit; used: number; held: number; asked: number }
type Refusal = Account & { ok: false; never: boolean; retryAt: Limit }
export type Answer = { ok: true; wouldRefuse?: string } | Refusal
class Agent {
  reason: string | null = null // the first cause, latched by `??=`: stopping once it is set
  endedIn: string | null = null // the window in which it ended
  metered = false // from its first reported usage without a hold
  refused: Refusal[] = [] // its refused holds since the last granted one
}
const zero = { used: 0, held: 0, uncertain: 0, overrun: 0, raw: 0 }
type Row = { agent: Agent | null; window: string; weights: Weights; usage: ModelUsage }
type Call = typeof zero & Row & { state: "open" | "expired" | "closed" }
const [DAY, FOREVER] = [86_400_000, Number.POSITIVE_INFINITY]
const kinds = ["input", "output", "cacheWrite", "cacheRead"] as const
const nothing = { inputTokens: 0, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 }
const rawOf = (usage: ModelUsage) => Object.values(usage).reduce((sum, tokens) => sum + tokens, 0)
const weigh = (w: Weights, usage: ModelUsage) =>
  Math.ceil(kinds.reduce((sum, k) => sum + Math.round(w[k] * 1000) * usage[`${k}Tokens`], 0) / 1000)
const over = (limit: Limit, sum: number) => limit !== null && sum > limit
const plain = (reason: string, asked: number) => ({ reason, limit: null, used: 0, held: 0, asked })
const refuse = (a: Account, never = true, retryAt: Limit = null) =>
  ({ ok: false, never, retryAt, ...a }) as const
const expire = (c: Call) =>
  c.state === "open" &&
  Object.assign(c, { held: 0, used: c.held, uncertain: c.held, state: "expired" }) // not reported
export class ReferenceModel {
  private settings: ModelSettings
  private now = 0 // time that went by: what falls due is due on it, wherever the clock stands
  private setBack = 0 // by how much the wall clock is behind it
  private day = "" // the open window, never an earlier one
  private agents = new Map<string, Agent>()
  private calls = new Map<string, Call>() // every hold and report: all figures are sums of these
  private timers: { at: number; ring: () => unknown }[] = [] // of one instant: the first set first
  constructor(settings: ModelSettings, at: number) {
    this.settings = settings
    this.tick(at)
  }
  spawn(at: number, name: string): Answer {
    if (this.find(at, name)) return refuse(plain("stale", 1)) // unique among live agents
    const { maxTaskDurationMinutes: minutes, maxConcurrentAgents: limit } = this.settings
    if (minutes === 0) return refuse(plain("duration_limit", 1)) // asks 1 token, holds none
    const slots = { ...plain("concurrency_limit", 1), limit, used: this.live().length }
    const agent = new Agent()
    const answer = this.judge([slots, ...this.path(agent, 1)])
    if (answer.ok) this.agents.set(name, agent)
    const ring = () => Object.assign(agent, { reason: agent.reason ?? "duration_limit" })
    if (answer.ok) this.timers.push({ at: this.now + (minutes ?? FOREVER) * 60_000, ring })
    return answer
  }
  hold(at: number, name: string, holdId: string, tokens: number): Answer {
    const agent = this.find(at, name)
    if (!agent) return refuse(plain("stale", tokens))
    const [own, day] = this.path(agent, tokens)
    const cause = [plain("duration_limit", tokens), own, day].find((a) => a.reason === agent.reason)
    if (agent.reason) return refuse(cause ?? plain("draining", tokens))
    const answer = this.judge([own, day])
    agent.refused = answer.ok ? [] : [...agent.refused, answer]
    if (answer.ok) this.add(`hold ${holdId}`, agent, { held: tokens, state: "open" })
    else if (answer.never && answer.reason === own.reason) agent.reason = own.reason
    else if (agent.refused.length >= 3) agent.reason = answer.reason // three refusals in a row
    return answer
  }
  settle(at: number, holdId: string, usage: ModelUsage): void {
    this.tick(at)
    const call = this.calls.get(`hold ${holdId}`)
    if (!call || call.state === "closed") return // after expiry it corrects the charge
    const used = weigh(this.settings.tokenWeights, usage)
    const overrun = Math.max(0, used - call.held - call.uncertain) // usage above its hold
    const sums = { held: 0, uncertain: 0, used, overrun, raw: rawOf(usage) }
    Object.assign(call, sums, { state: "closed" })
  }
  voidHold(at: number, holdId: string): void {
    this.tick(at)
    if (this.calls.get(`hold ${holdId}`)?.state === "open") this.settle(at, holdId, nothing)
  }
  report(at: number, name: string, usageId: string | null, usage: ModelUsage): void {
    const agent = this.find(at, name)
    if (!agent) return
    agent.metered = true
    const key = usageId === null ? `call ${this.calls.size}` : `usage ${name} ${usageId}`
    const call = this.calls.get(key) ?? this.add(key, agent, {}) // a repeat keeps its window
    for (const k of Object.keys(usage) as (keyof ModelUsage)[])
      call.usage[k] = Math.max(call.usage[k], usage[k])
    const used = weigh(call.weights, call.usage) // later weights do not re-weigh
    Object.assign(call, { used, raw: rawOf(call.usage), overrun: used }) // usage without a hold
  }
  stop(at: number, name: string, reason: string): void {
    const agent = this.find(at, name)
    if (agent) agent.reason ??= reason
  }
  exited(at: number, name: string, exit: "completed" | "failed"): void {
    const agent = this.find(at, name)
    const latest = agent?.refused.at(-1) // exits while its latest hold stands refused `never`
    if (agent) this.end(agent, agent.reason ?? (latest?.never ? latest.reason : exit))
  }
  setBudget(at: number, change: Partial<ModelSettings>): void {
    this.tick(at)
    this.settings = { ...this.settings, ...change }
    const limit = this.settings.dailyTokenLimit ?? FOREVER
    const { used, held, overrun } = this.sums(null, this.day)
    const overran = Math.max(0, used + held - overrun - limit) // what a lowered limit left over
    this.add(`changed ${this.calls.size}`, null, { overrun: overran })
  }
  crash(at: number): void {
    this.tick(at)
    for (const agent of this.live()) this.end(agent, "lost")
  }
  tick(at: number): void {
    this.setBack = Math.max(this.setBack, this.now - at) // a backward step lengthens no life
    const [end, ring] = [at + this.setBack, () => {}]
    const due = this.timers.filter((timer) => timer.at > this.now && timer.at <= end)
    const ordered = due.sort((a, b) => a.at - b.at)
    for (const timer of [{ at: this.now, ring }, ...ordered, { at: end, ring }]) {
      this.now = timer.at // in the order of time; reached at now >= deadlineAt
      const today = new Date(this.now - this.setBack).toISOString().slice(0, 10)
      if (today > this.day) this.day = today
      timer.ring()
      const metered = this.live().filter((agent) => agent.metered && !agent.reason)
      for (const agent of this.settings.enforceHardLimits ? metered : []) // stop at used >= limit
        agent.reason = this.path(agent, 1).find((a) => over(a.limit, a.used + 1))?.reason ?? null
    }
  }
  summary() {
    this.tick(this.now - this.setBack)
    const [today, { dailyTokenLimit: limit, thresholds }] = [this.day, this.settings]
    const { used, held, uncertain, overrun } = this.sums(null, today)
    // A status applies when used x 100 >= limit x threshold; a limit of 0 is 100 %, `exceeded`.
    const reached = thresholds.filter((t) => limit === 0 || used * 100 >= (limit ?? FOREVER) * t)
    const names = ["within_budget", "approaching_limit", "at_limit", "exceeded"] as const
    const dailyUsagePercent = limit === 0 ? 100 : limit && Math.round((used * 10_000) / limit) / 100
    const entry = ([name, agent]: [string, Agent]) => {
      const state = agent.endedIn ? "ended" : agent.reason ? "stopping" : "running"
      const [life, part] = [this.sums(agent, null), this.sums(agent, today)]
      const tokens = { totalTokens: life.used, heldTokens: life.held, windowTokens: part.used }
      return [name, { state, reason: agent.reason, ...tokens, rawTokens: life.raw }] as const
    }
    const shown = [...this.agents].filter(([, a]) => (a.endedIn ?? today) === today)
    const beside = { heldTokens: held, uncertainTokens: uncertain, overrunTokens: overrun }
    const status = { budgetStatus: names[reached.length] ?? "exceeded", dailyUsagePercent }
    const [activeAgents, agents] = [this.live().length, new Map(shown.map(entry))]
    return { windowId: today, dailyTokensUsed: used, ...beside, ...status, activeAgents, agents }
  }
  private judge(path: Account[]): Answer {
    const { enforceHardLimits: hard } = this.settings // slots and duration refuse in both modes
    const refusal = this.firstOf(path.filter((a) => hard || !a.reason.includes("token")))
    const wouldRefuse = this.firstOf(path)?.reason // the same verdict, enforced or not
    return refusal ?? (wouldRefuse ? { ok: true, wouldRefuse } : { ok: true })
  }
  private firstOf(path: Account[]): Refusal | undefined {
    // A request fits when used + held + ask <= limit on every account of its path.
    const spent = (a: Account) => over(a.limit, a.used + a.asked)
    const never = (a: Account) => over(a.limit, a.asked) || (/^agent/.test(a.reason) && spent(a))
    const blocks = path.filter((a) => a.limit === 0 || over(a.limit, a.used + a.held + a.asked))
    const hopeless = blocks.find((account) => account.limit === 0 || never(account))
    const end = Date.parse(this.day) + DAY // null: only slots or held tokens in the way
    const retryAt = blocks.some((a) => /^daily/.test(a.reason) && spent(a)) ? end : null
    return hopeless ? refuse(hopeless) : blocks[0] && refuse(blocks[0], false, retryAt)
  }
  private path(agent: Agent, asked: number): [Account, Account] {
    const { perAgentTokenLimit: own, dailyTokenLimit: day } = this.settings
    const [a, b] = [this.sums(agent, null), this.sums(null, this.day)]
    return [
      { reason: "agent_token_limit", limit: own, used: a.used, held: a.held, asked },
      { reason: "daily_token_limit", limit: day, used: b.used, held: b.held, asked },
    ]
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
    const call: Call = { ...zero, ...row, state: "closed", ...more }
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
