/** Where the chart must stand for a context: the oracle every walk over it is held to. */
import { isDayFull } from "./budget/stopping.ts"
import type { SupervisorContext } from "./supervisor-setup.ts"

export interface SupervisorStateValue {
  readonly life: "open" | "draining" | "stopped"
  readonly admission: "open" | "full" | "unwritable" | "closed"
  readonly day: "open" | { readonly exhausted: "flagged" | "enforced" }
  readonly ledger: "writable" | "refusing" | "buffering"
}

export const project = (context: SupervisorContext): SupervisorStateValue => ({
  life: context.life,
  admission: admissionOf(context),
  day: dayOf(context),
  ledger: ledgerOf(context),
})

const admissionOf = (context: SupervisorContext): SupervisorStateValue["admission"] => {
  const { settings, slotsTaken } = context.budget
  if (context.life !== "open") return "closed"
  if (!context.ledgerWritable && settings.enforceHardLimits) return "unwritable"
  return slotsTaken >= (settings.maxConcurrentAgents ?? Number.POSITIVE_INFINITY) ? "full" : "open"
}

const dayOf = ({ budget }: SupervisorContext): SupervisorStateValue["day"] => {
  if (!isDayFull(budget)) return "open"
  return { exhausted: budget.settings.enforceHardLimits ? "enforced" : "flagged" }
}

const ledgerOf = (context: SupervisorContext): SupervisorStateValue["ledger"] => {
  if (context.ledgerWritable) return "writable"
  return context.budget.settings.enforceHardLimits ? "refusing" : "buffering"
}
