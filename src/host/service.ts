/** The same supervisor for those who live in Effect: services, layers, typed failures. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { AgentSummary, Summary } from "../../machines/budget/summary.ts"
import type { BudgetOptions } from "../config/decode.ts"
import { ConfigurationError } from "../config/problem.ts"
import { Ledger, LedgerUnavailable } from "../ledger/ledger.ts"
import type { Agent, Held, HoldOptions } from "./agent.ts"
import {
  AdmissionRefused,
  CanaryAdmitted,
  ClockStepped,
  HoldRefused,
  InvalidRequest,
} from "./errors.ts"
import type { SpawnOptions } from "./spawn-options.ts"
import { type SupervisorOptions, startSupervisor } from "./start.ts"
import type { Supervisor } from "./supervisor.ts"

export type StartFailure = LedgerUnavailable | ClockStepped | CanaryAdmitted | ConfigurationError

/** Errors the signature names stay typed; anything else is a bug, and thrown on as one. */
const expecting =
  <Classes extends readonly (new (...args: never[]) => object)[]>(...classes: Classes) =>
  (error: unknown): InstanceType<Classes[number]> => {
    for (const known of classes)
      if (error instanceof known) return error as InstanceType<Classes[number]>
    throw error
  }

const asStartFailure = expecting(
  LedgerUnavailable,
  ClockStepped,
  CanaryAdmitted,
  ConfigurationError,
)

/** What an Effect program may ask of the supervisor. */
export interface BudgetSupervisorService {
  readonly spawn: (options: SpawnOptions) => Effect.Effect<Agent, AdmissionRefused | InvalidRequest>
  readonly hold: (
    agent: Agent,
    tokens: number,
    options?: HoldOptions,
  ) => Effect.Effect<Held, HoldRefused | InvalidRequest>
  readonly ended: (agent: Agent) => Effect.Effect<AgentSummary>
  readonly summary: Effect.Effect<Summary>
  readonly setBudget: (
    change: BudgetOptions,
  ) => Effect.Effect<BudgetSettings, LedgerUnavailable | ConfigurationError>
  readonly flush: Effect.Effect<void, LedgerUnavailable>
  readonly drain: Effect.Effect<void>
  /** The promise-based one behind it. */
  readonly supervisor: Supervisor
}

export class BudgetSupervisor extends Context.Service<BudgetSupervisor, BudgetSupervisorService>()(
  "stint/host/BudgetSupervisor",
) {
  /** Starts with the scope and closes with it: agents are stopped, rows flushed. */
  static readonly layer = (options: SupervisorOptions = {}) =>
    Layer.effect(BudgetSupervisor, Effect.map(started(options), serviceOf))

  /** The same on the `Ledger` of the environment. */
  static readonly layerOnLedger = (options: Omit<SupervisorOptions, "ledger"> = {}) =>
    Layer.effect(
      BudgetSupervisor,
      Effect.gen(function* () {
        const ledger = yield* Ledger
        return serviceOf(yield* started({ ...options, ledger }))
      }),
    )
}

const started = (options: SupervisorOptions) =>
  Effect.acquireRelease(
    Effect.tryPromise({ try: () => startSupervisor(options), catch: asStartFailure }),
    (supervisor) => Effect.promise(() => supervisor.close()),
  )

const serviceOf = (supervisor: Supervisor): BudgetSupervisorService =>
  BudgetSupervisor.of({
    spawn: (options) =>
      Effect.tryPromise({
        try: (signal) => supervisor.spawn({ signal, ...options }),
        catch: expecting(AdmissionRefused, InvalidRequest),
      }),
    hold: (agent, tokens, options) =>
      Effect.tryPromise({
        try: () => agent.hold(tokens, options),
        catch: expecting(HoldRefused, InvalidRequest),
      }),
    ended: (agent) => Effect.promise(() => agent.ended),
    summary: Effect.sync(() => supervisor.summary()),
    setBudget: (change) =>
      Effect.tryPromise({
        try: () => supervisor.setBudget(change),
        catch: expecting(LedgerUnavailable, ConfigurationError),
      }),
    flush: Effect.tryPromise({
      try: () => supervisor.flush(),
      catch: expecting(LedgerUnavailable),
    }),
    drain: Effect.promise(() => supervisor.drain()),
    supervisor,
  })
