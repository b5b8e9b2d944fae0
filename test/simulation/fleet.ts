/**
 * The agents of a simulation and whoever asks for them: functions at its command, and what each
 * was promised.
 */
import type { HoldId } from "../../machines/vocabulary.ts"
import type { Agent, AgentContext, Held, SpawnOptions, Supervisor } from "../../src/index.ts"
import type { Asked } from "./both-modes.ts"
import type { PromisesKept } from "./promises-kept.ts"
import type { SeededRandom } from "./seeded-random.ts"

/** An agent's function, at the simulation's command. */
interface Worker {
  readonly context: AgentContext
  readonly leave: (error?: Error) => void
}

type Request = SpawnOptions & { readonly agentId: string; readonly requestId: string }

interface HoldAsk {
  readonly context: AgentContext
  readonly id: string
  readonly tokens: number
  readonly costMicroUsd: number | null
}

/** What the fleet needs of its world. */
export interface Surroundings {
  readonly random: SeededRandom
  readonly promises: PromisesKept
  readonly supervisor: () => Supervisor
  /** The disk failed in this turn: what it does not keep, nobody can find again. */
  readonly diskFails: () => boolean
  readonly tell: (what: string) => void
  readonly meet: (what: string) => void
  /** Takes note of a mistake. */
  readonly guard: (check: () => void) => void
}

export class Fleet {
  /** What was asked for, by the request's id, in any life of the supervisor. */
  readonly asks = new Map<string, Asked>()
  private readonly world: Surroundings
  private readonly random: SeededRandom
  private readonly promises: PromisesKept
  private workers: Worker[] = []
  private holds: Held[] = []
  private asked: HoldAsk[] = []
  /** Requests that were answered, in any life of the supervisor. */
  private readonly spawned: Request[] = []
  private named = 0
  private life = 0

  constructor(world: Surroundings) {
    this.world = world
    this.random = world.random
    this.promises = world.promises
  }

  /** Its supervisor is gone, and everybody with it. */
  vanish(): void {
    this.life += 1
    this.workers = []
    this.holds = []
    this.asked = []
  }

  everybodyLeaves(): void {
    for (const worker of this.workers) worker.leave()
  }

  spawn(): void {
    this.named += 1
    const [agentId, requestId] = [`agent ${this.named}`, `request ${this.named}`]
    const obeys = this.random.chance(80)
    const queue = this.random.chance(30)
    this.world.tell(`spawn ${agentId}${queue ? " queued" : ""}${obeys ? "" : ", deaf"}`)
    const run = (context: AgentContext) => this.work(context, obeys)
    const money = this.random.pick([null, null, null, null, 300])
    const limits = money === null ? {} : { perAgentCostLimitMicroUsd: money }
    const request = { taskId: "task", agentId, requestId, queue, run, limits }
    this.asks.set(requestId, { queue, amount: null })
    this.askToSpawn(request)
    if (this.random.chance(10)) this.askToSpawn(request)
  }

  /** The same request once more, perhaps of another life of the supervisor: the same answer. */
  spawnAgain(): void {
    const request = this.random.oneOf(this.spawned)
    if (request === undefined) return
    this.world.tell(`spawn ${request.agentId} again`)
    this.askToSpawn(request)
  }

  private askToSpawn(request: Request): void {
    const { agentId, requestId } = request
    const answered = (answer: string): void => {
      this.promises.sameAnswer(requestId, answer)
      if (!this.spawned.includes(request)) this.spawned.push(request)
    }
    this.expect(
      this.world
        .supervisor()
        .spawn(request)
        .then((agent) => {
          if (this.promises.admitted(agentId)) answered(agent.key)
          this.expect(agent.ended.then(({ reason }) => this.promises.ended(agentId, reason)))
        }),
      (error) => {
        const reason = this.promises.refused(requestId, error)
        if (reason !== null) answered(reason)
      },
    )
  }

  /** Some leave when their signal says so; the deaf go on until they are told to. */
  private work(context: AgentContext, obeys: boolean): Promise<void> {
    this.world.guard(() => this.promises.started(context.agentId))
    return new Promise((resolve, reject) => {
      const leave = (error?: Error): void => {
        this.workers = this.workers.filter((worker) => worker.context !== context)
        if (error === undefined) resolve()
        else reject(error)
      }
      this.workers.push({ context, leave })
      if (obeys) context.signal.addEventListener("abort", () => leave())
      else context.signal.addEventListener("abort", () => this.world.meet("an agent was deaf"))
    })
  }

  hold(): void {
    const worker = this.someWorker()
    if (worker === undefined) return
    this.named += 1
    const id = `hold ${this.named}`
    const tokens = this.random.pick([0, 1, 10, 30, 60, 100, 101, 400])
    this.world.tell(`${worker.context.agentId} asks for ${id} of ${tokens}`)
    const costMicroUsd = this.random.pick([null, 0, 10, tokens, 2 * tokens])
    const ask = { context: worker.context, id, tokens, costMicroUsd }
    this.asked.push(ask)
    this.asks.set(id, { queue: false, amount: { tokens, costMicroUsd } })
    this.askForHold(ask)
    if (this.random.chance(10)) this.askForHold(ask)
  }

  /** Answered before or not yet: the same answer. What no disk keeps, nobody can find again. */
  holdAgain(): void {
    if (this.world.diskFails()) return
    const ask = this.random.chance(50) ? this.asked.at(-1) : this.random.oneOf(this.asked)
    if (ask === undefined) return
    this.world.tell(`${ask.context.agentId} asks for ${ask.id} again`)
    this.askForHold(ask)
  }

  private askForHold({ context, id, tokens, costMicroUsd }: HoldAsk): void {
    this.expect(
      context
        .hold(tokens, { id, ...(costMicroUsd === null ? {} : { costMicroUsd }) })
        .then((held) => {
          if (this.promises.granted(id)) this.promises.sameAnswer(id, "granted")
          this.holds.push(held)
        }),
      (error) => {
        const reason = this.promises.refused(id, error)
        if (reason !== null) this.promises.sameAnswer(id, reason)
      },
    )
  }

  /** Also after it expired, after its agent's end, and twice. */
  settle(): void {
    const held = this.random.oneOf(this.holds)
    if (held === undefined) return
    const inputTokens = this.random.pick([0, 10, held.granted, held.granted, held.granted + 7])
    this.world.tell(`settle ${held.id} with ${inputTokens}`)
    this.holds = this.random.chance(90) ? this.holds.filter((other) => other !== held) : this.holds
    this.expect(
      held
        .settle({ inputTokens, ...this.someCost(inputTokens) })
        .then(() => this.promises.settled(held.id)),
      (error) => this.promises.unacknowledged(error),
    )
  }

  /** Of models without a price, too. */
  private someCost(tokens: number): { readonly costMicroUsd?: number } {
    const costMicroUsd = this.random.pick([null, 0, tokens, tokens, 3 * tokens])
    return costMicroUsd === null ? {} : { costMicroUsd }
  }

  /** A call by its bound, through the gateway's door: cut to what fits, or waiting in line. */
  call(): void {
    const worker = this.someWorker()
    const agent = worker && this.world.supervisor().agent(worker.context.agentId)
    if (agent === undefined) return
    this.named += 1
    const holdId = `call hold ${this.named}` as HoldId
    const pico = this.random.pick([0, 1_000_000, 3_000_000])
    const price = { inputPicoUsd: pico, outputPicoUsd: pico, perCallMicroUsd: 1 }
    const outputTokens = { least: this.random.pick([0, 10]), most: this.random.pick([10, 90, 400]) }
    const bound = { inputTokens: this.random.pick([0, 10, 60]), outputTokens, answers: 1 }
    const call = { ...bound, price: this.random.chance(90) ? price : null }
    const queue = this.random.chance(70)
    this.world.tell(`${agent.agentId} asks for ${holdId} by ${JSON.stringify(call)}`)
    this.asks.set(holdId, { queue, amount: { call } })
    const withdrawal = new AbortController()
    const asked = agent.calls.ask({ holdId, call, queue }, withdrawal.signal)
    if (queue && this.random.chance(10)) withdrawal.abort()
    this.expect(
      asked.then(({ grant }) => {
        if (grant === null) return
        this.promises.granted(holdId)
        if (queue) this.world.meet("a call was granted that might wait")
        if (grant.outputTokens < outputTokens.most) this.world.meet("an answer was cut")
        return this.settleCall(agent, holdId, grant.tokens)
      }),
      (error) => this.promises.unacknowledged(error),
    )
  }

  private async settleCall(agent: Agent, holdId: HoldId, granted: number): Promise<void> {
    const how = this.random.pick(["settled", "settled", "settled", "charged", "voided"])
    if (how === "charged") await agent.calls.charge(holdId)
    if (how === "voided") await agent.calls.void(holdId)
    if (how === "settled") {
      const usage = { outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 }
      const known = { holdId, usage: { ...usage, inputTokens: granted }, model: null } as const
      await agent.calls.settle({ ...known, provenance: "reported", ...this.someCost(granted) })
    }
  }

  voidHold(): void {
    const held = this.random.oneOf(this.holds)
    if (held === undefined) return
    this.world.tell(`void ${held.id}`)
    this.expect(held.void(), (error) => this.promises.unacknowledged(error))
  }

  report(): void {
    const worker = this.someWorker()
    if (worker === undefined) return
    const { context } = worker
    const repeats = this.random.chance(20)
    if (!repeats) this.named += 1
    const id = `call ${this.named}`
    const inputTokens = this.random.pick([0, 1, 10, 30, 90])
    this.world.tell(`${context.agentId} reports ${inputTokens} as ${id}`)
    context.recordUsage({ id, inputTokens, cacheReadTokens: 5, ...this.someCost(inputTokens) })
    this.expect(
      context.flush().then(() => (repeats ? undefined : this.promises.recorded(id))),
      (error) => this.promises.unacknowledged(error),
    )
  }

  leave(): void {
    const worker = this.someWorker()
    const fails = this.random.chance(30)
    if (worker === undefined) return
    this.world.tell(`${worker.context.agentId} ${fails ? "fails" : "completes"}`)
    worker.leave(fails ? new Error("scripted") : undefined)
  }

  stop(): void {
    const worker = this.someWorker()
    if (worker === undefined) return
    this.world.tell(`stop ${worker.context.agentId}`)
    this.world.supervisor().agent(worker.context.agentId)?.stop()
  }

  /** Of a supervisor that crashed nobody hears again; of a living one, every mistake. */
  private expect(promise: Promise<unknown>, refused: (error: unknown) => void = () => {}): void {
    const { life } = this
    promise.catch((error) => {
      if (life === this.life) this.world.guard(() => refused(error))
    })
  }

  private someWorker(): Worker | undefined {
    return this.random.oneOf(this.workers)
  }
}
