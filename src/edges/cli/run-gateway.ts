/** The gateway of a run: opened before anything starts, and closed when its last call is settled. */
import type { Credential, Enforcement } from "../../../machines/vocabulary.ts"
import { type Machine, thisMachine } from "../../config/ledger-path.ts"
import type { PlannedAgent } from "../../config/plan.ts"
import type {
  Follower,
  Lead,
  NotLed,
  RunGateway,
  RunGatewayOptions,
} from "../../gateway/run-gateway.ts"
import { type RunUpstreams, readUpstreams } from "../../gateway/run-upstreams.ts"
import { quietLog } from "../../log/log.ts"
import type { PriceBook } from "../../pricing/price-book.ts"
import { environmentBefore } from "./agent-process.ts"
import { BadCall } from "./arguments.ts"
import type { RunIo } from "./run.ts"
import type { RunCall } from "./run-arguments.ts"

export interface GatewayOfRun {
  readonly warnings: readonly string[]
  /** How an agent's calls are led; null where they are not, and `tell` hears why. */
  readonly lead: (planned: PlannedAgent, call: RunCall, tell: (line: string) => void) => Lead | null
  /** For what an agent prints: only where a cost limit asks what it comes to. */
  readonly pricesFor: (call: RunCall, planned: PlannedAgent) => (() => Promise<PriceBook>) | null
  /** Any number of times. */
  readonly close: () => Promise<void>
}

/**
 * Resolves once nothing that was given can be wrong; what is still to be loaded then is loaded
 * while its caller goes on. Throws `ConfigurationError` for an upstream that is none, `BadCall` for
 * a class that is too low; nothing is open then.
 */
export const beginGatewayOfRun = async (
  call: RunCall,
  io: RunIo,
): Promise<{ readonly opened: Promise<GatewayOfRun> }> => {
  const isWanted = call.agents.some(({ agent }) => agent !== "none")
  const machine = { ...thisMachine(), folder: io.cwd, env: io.env }
  const upstreams = isWanted ? await readUpstreams(call.upstreams, io.env, machine) : null
  const opened = openGatewayOfRun(call, io, machine, upstreams)
  // What a class comes to is known of an open gateway alone.
  if (call.required !== null) await opened
  // Whoever waits for it is told.
  opened.catch(() => {})
  return { opened }
}

const openGatewayOfRun = async (
  call: RunCall,
  io: RunIo,
  machine: Machine,
  upstreams: RunUpstreams | null,
): Promise<GatewayOfRun> => {
  const prices = pricesOf(call)
  const gateway =
    upstreams === null ? null : await openGateway(call, { prices, upstreams, machine })
  try {
    checkRequired(call, io, gateway)
  } catch (error) {
    await gateway?.close()
    throw error
  }
  let closing: Promise<void> | null = null
  return {
    warnings: gateway?.warnings ?? [],
    lead: (planned, settled, tell) => leadOf(gateway, followerOf(planned, settled, io), tell),
    pricesFor: ({ settings }, { limits }) =>
      settings.dailyCostLimitMicroUsd === null &&
      settings.perAgentCostLimitMicroUsd === null &&
      limits.perAgentCostLimitMicroUsd === undefined
        ? null
        : prices,
    close: () => {
      closing ??= gateway?.close() ?? Promise.resolve()
      return closing
    },
  }
}

/** What is said of an agent at its admission: how it will be seen, and who pays. */
export const seenAs = (
  lead: Lead | null,
): { readonly enforcement?: Enforcement; readonly credential?: Credential } => {
  if (lead === null) return {}
  const { credential, claim } = lead
  return claim.enforcement === "reserved" ? { enforcement: "reserved", credential } : { credential }
}

const openGateway = async (
  call: RunCall,
  found: Pick<RunGatewayOptions, "prices" | "upstreams" | "machine">,
): Promise<RunGateway> => {
  const { openRunGateway } = await import("../../gateway/run-gateway.ts")
  return openRunGateway({ ...found, settings: call.gateway, log: quietLog() })
}

const followerOf = (
  planned: PlannedAgent,
  { settings: { enforceHardLimits, allowUnbounded } }: RunCall,
  { env }: RunIo,
): Follower => ({
  mustBeBounded: enforceHardLimits && !allowUnbounded,
  agentId: planned.id,
  agent: planned.agent,
  command: planned.command,
  cwd: planned.cwd,
  env: environmentBefore({ env, planned }),
})

const leadOf = (
  gateway: RunGateway | null,
  follower: Follower,
  tell: (line: string) => void,
): Lead | null => {
  const lead: Lead | NotLed = gateway?.lead(follower) ?? { led: false, because: [] }
  if (lead.led) return lead
  for (const why of lead.because)
    tell(`agent ${follower.agentId}: its calls do not pass the gateway: ${why}`)
  return null
}

/** Loaded once, when somebody asks what a call costs. */
const pricesOf = ({ prices }: RunCall): (() => Promise<PriceBook>) => {
  let loading: Promise<PriceBook> | null = null
  return () => {
    loading ??= import("../../pricing/open-price-book.ts").then(({ openPriceBook }) =>
      openPriceBook(prices),
    )
    return loading
  }
}

/** Refuses a lower class than was asked for, before anything starts. */
const checkRequired = (call: RunCall, io: RunIo, gateway: RunGateway | null): void => {
  if (call.required === null) return
  for (const planned of call.agents) {
    const lead = gateway?.lead(followerOf(planned, call, io)) ?? NOT_LED
    if (lead.led) lead.dispose()
    const why =
      call.required === "reserved" ? whyNotHeld(lead) : whyNotSeen(lead, planned, call, io)
    if (why === null) continue
    throw new BadCall(
      `command line: --require ${call.required}: agent ${planned.id}: ${why}; nothing was started`,
    )
  }
}

const NOT_LED: NotLed = { led: false, because: [] }

const whyNotHeld = (lead: Lead | NotLed): string | null => {
  if (lead.led && lead.claim.enforcement === "reserved") return null
  const because = lead.led ? lead.claim.because : lead.because
  const why = because.length === 0 ? "they do not pass the gateway" : because.join("; ")
  return `its calls cannot all be held before they are made: ${why}`
}

/** Calls of a known program pass the gateway; of any other it takes a meter to be sure to see them. */
const whyNotSeen = (
  lead: Lead | NotLed,
  { meter }: PlannedAgent,
  { planPath, meterNamed }: RunCall,
  { stdout }: RunIo,
): string | null => {
  const isKnown = lead.led && lead.program !== "generic"
  const isRead = meter !== "none" && (planPath !== null || meterNamed || !stdout.isTTY)
  return isKnown || isRead
    ? null
    : "nothing would read this command's usage; name a meter with --meter"
}
