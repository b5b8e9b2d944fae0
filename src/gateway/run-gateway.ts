/**
 * A run's gateway: opened with the upstreams and keys that the settings name, it leads each agent's
 * calls to itself. What an agent needs for that is ready before the agent is admitted, so that its
 * admission already says how it will be seen.
 */
import { randomUUID } from "node:crypto"
import type { Credential, ProcessIdentity } from "../../machines/vocabulary.ts"
import type { Environment } from "../config/environment.ts"
import type { Machine } from "../config/ledger-path.ts"
import type { AgentProgram, MeterName } from "../config/plan.ts"
import type { GatewaySettings } from "../config/resolve.ts"
import type { AgentCalls } from "../host/calls.ts"
import type { Log } from "../log/log.ts"
import type { PriceBook } from "../pricing/price-book.ts"
import { systemTable } from "../runners/process-table/system.ts"
import { identify } from "../runners/process-table.ts"
import { commandLineOf, environmentOf, launchOf, profileOf } from "../runners/profiles/launch.ts"
import {
  launchFolder,
  launchRoot,
  prepareLaunch,
  sweepLaunchFolders,
  systemDisk,
} from "../runners/profiles/launch-folder.ts"
import type { Claim, Launch, Situation } from "../runners/profiles/profile.ts"
import type { SpawnFailure } from "../runners/program.ts"
import { DIALECTS } from "./dialects/dialects.ts"
import { type AdmittedAgent, type Gateway, openGateway } from "./gateway.ts"
import type { MeteredAgent } from "./metered-agent.ts"
import type { RunUpstreams } from "./run-upstreams.ts"
import type { Upstream } from "./upstream.ts"

export interface RunGatewayOptions {
  readonly upstreams: RunUpstreams
  readonly settings: GatewaySettings
  /** Loaded when the first call comes. */
  readonly prices: () => Promise<PriceBook>
  readonly machine: Machine
  readonly log: Log
}

export interface Follower {
  readonly mustBeBounded: boolean
  readonly agentId: string
  readonly agent: AgentProgram
  readonly command: Situation["command"]
  readonly cwd: string
  /** Whole, as it would be without us. */
  readonly env: Environment
}

/** An agent's way through the gateway: how it is to be started, and what can be said of it. */
export interface Lead {
  readonly led: true
  readonly command: Situation["command"]
  readonly env: Environment
  readonly stopSignal: NodeJS.Signals
  /** Which program it was taken for; of a `generic` one nobody knows whether it makes calls. */
  readonly program: Launch["program"]
  readonly claim: Claim
  readonly credential: Credential
  /** Who reads its own account, where nobody is named. */
  readonly meter: MeterName
  /** Set when what it needs on disk could not be made. */
  readonly failure: SpawnFailure | null
  /** Whether any call of it came through. */
  readonly hasCalls: () => boolean
  /** Its calls are decided there from now on; before that none is made. */
  readonly follow: (calls: AgentCalls) => void
  /** Its key is dead from here on, and its private folder gone. */
  readonly dispose: () => void
}

/** It is started as it would be without us: it was to be, or its calls cannot be led. */
export interface NotLed {
  readonly led: false
  /** Why its calls cannot be led; nothing where nobody wanted it. */
  readonly because: readonly string[]
}

export interface RunGateway {
  readonly warnings: readonly string[]
  readonly lead: (follower: Follower) => Lead | NotLed
  readonly close: () => Promise<void>
}

export const openRunGateway = async (options: RunGatewayOptions): Promise<RunGateway> => {
  const { settings, prices, log } = options
  const { upstreams, warnings } = options.upstreams
  const gateway = await openGateway({ upstreams, dialects: DIALECTS, prices, log, settings })
  try {
    const leader = new Leader(gateway, upstreams, options.machine)
    return {
      warnings,
      lead: (follower) => leader.lead(follower),
      close: () => gateway.close(),
    }
  } catch (error) {
    await gateway.close()
    throw error
  }
}

class Leader {
  private readonly gateway: Gateway
  private readonly keyed: ReadonlySet<string>
  private readonly machine: Machine
  private readonly root: string
  private readonly owner: ProcessIdentity | null

  constructor(gateway: Gateway, upstreams: readonly Upstream[], machine: Machine) {
    this.gateway = gateway
    this.keyed = new Set(upstreams.flatMap(({ provider, key }) => (key === null ? [] : [provider])))
    this.machine = machine
    this.root = launchRoot(machine, systemDisk)
    const table = systemTable()
    this.owner = identify(table, process.pid)
    sweepLaunchFolders(this.root, table)
  }

  lead(follower: Follower): Lead | NotLed {
    const way = new Way(follower.agentId)
    const admitted = this.gateway.admit(way)
    const situation = this.situationOf(follower, admitted)
    const launch = launchOf(follower.agent, situation)
    const { enforcement = null, because = [] } = launch?.claim ?? {}
    if (launch === null || enforcement === null) {
      admitted.revoke()
      return { led: false, because }
    }
    way.claims = enforcement
    const prepared = prepareLaunch(launch, situation.folder)
    return {
      led: true,
      command: commandLineOf(launch, follower.command),
      env: environmentOf(launch, follower.env),
      stopSignal: launch.stopSignal,
      program: launch.program,
      claim: launch.claim,
      credential: this.credentialOf(launch),
      meter: profileOf(launch.program).meter,
      failure: "prepared" in prepared ? null : prepared,
      hasCalls: () => way.hasCalls,
      follow: (calls) => way.follow(calls),
      dispose: () => {
        admitted.revoke()
        if ("prepared" in prepared) prepared.dispose()
      },
    }
  }

  private situationOf(follower: Follower, { token, key, address }: AdmittedAgent): Situation {
    const { command, cwd, env, mustBeBounded } = follower
    const keyFor = (vendor: string): string | null => (this.keyed.has(vendor) ? key : null)
    const owner = this.owner ?? { pid: process.pid, startTime: "0", bootId: "0" }
    return {
      gateway: address,
      keys: {
        anthropic: keyFor("anthropic"),
        openai: keyFor("openai"),
        google: keyFor("google"),
      },
      command,
      env,
      mustBeBounded,
      home: env.HOME ?? this.machine.home,
      cwd,
      platform: process.platform,
      folder: launchFolder(this.root, owner, `${token.slice(0, 8)}-${randomUUID()}`),
      disk: systemDisk,
    }
  }

  /** Its own sign-in pays where no vendor it can use has a key here. */
  private credentialOf({ program }: Launch): Credential {
    return profileOf(program).vendors.some((vendor) => this.keyed.has(vendor)) ? "stint" : "own"
  }
}

/** From a credential, which must be there first, to the agent that is admitted later. */
class Way implements MeteredAgent {
  readonly agentId: string
  claims: "reserved" | "metered" = "metered"
  hasCalls = false
  private decider: AgentCalls | null = null

  constructor(agentId: string) {
    this.agentId = agentId
  }

  get calls(): MeteredAgent["calls"] {
    return {
      hold: (ask, signal) => {
        if (this.decider === null) throw new Error("no call is made before its agent is admitted")
        this.hasCalls = true
        return this.decider.hold(ask, signal)
      },
    }
  }

  follow(calls: AgentCalls): void {
    this.decider = calls
  }
}
