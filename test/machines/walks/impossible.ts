/** What no path can take, by mode, and why; the walks fail when one of these is taken after all. */
import type { Mode } from "../transitions.ts"

interface Impossible {
  readonly why: string
  readonly mode: Mode
  readonly transitions: readonly string[]
}

const HOLD = "hold.requested"

export const IMPOSSIBLE: readonly Impossible[] = [
  {
    why: "hard mode refuses what soft mode flags",
    mode: "hard",
    transitions: [
      "admission.open · agent.requested · admitsFlagged",
      "admission.full · agent.requested · admitsFlagged",
      `ledger.writable · ${HOLD} · holdAdmitsFlagged`,
    ],
  },
  {
    why: "without a slot only bare accounts are admitted, and nothing would refuse those",
    mode: "soft",
    transitions: ["admission.full · agent.requested · admitsFlagged"],
  },
  {
    why: "with a slot free, soft mode has nothing to wait for",
    mode: "soft",
    transitions: [
      "admission.open · agent.requested · queuesBehind",
      "admission.open · agent.requested · queues",
      "admission.open · agent.requested · waits",
    ],
  },
  {
    why: "soft mode refuses a hold for good or not at all",
    mode: "soft",
    transitions: [
      `ledger.writable · ${HOLD} · holdWaits`,
      `ledger.writable · ${HOLD} · holdLosesPatience`,
      `ledger.buffering · ${HOLD} · holdWaits`,
      `ledger.buffering · ${HOLD} · holdLosesPatience`,
    ],
  },
  {
    why: "soft mode leaves no hold waiting: it is granted, or refused for good",
    mode: "soft",
    transitions: [
      `ledger.writable · ${HOLD} · holdWaitsAlready`,
      `ledger.writable · ${HOLD} · holdQueuesBehind`,
      `ledger.writable · ${HOLD} · holdQueues`,
      `ledger.buffering · ${HOLD} · holdWaitsAlready`,
      `ledger.buffering · ${HOLD} · holdQueuesBehind`,
      `ledger.buffering · ${HOLD} · holdQueues`,
      "ledger.refusing · always · anyHoldWaits",
      "anywhere · hold.withdrawn · holdIsWaiting",
    ],
  },
  {
    why: "soft mode stops nobody at a limit of tokens",
    mode: "soft",
    transitions: [
      "anywhere · hold.settled · settleStops",
      "anywhere · hold.settled_late · correctionStops",
      "anywhere · deadline.reached · expiryStops",
      "anywhere · hold.charged · chargeStops",
      "anywhere · account.compared · uncountedStops",
      "day.open · usage.reported · agentOverLimit",
      "day.exhausted.flagged · usage.reported · agentOverLimit",
    ],
  },
  {
    why: "an unwritable ledger closes the door in hard mode only",
    mode: "soft",
    transitions: [
      "admission.open · always · isUnwritable",
      "admission.full · always · isUnwritable",
      "admission.unwritable · always · isClosing",
      "admission.unwritable · agent.requested · onlyCounts",
      "admission.unwritable · agent.requested · otherwise",
    ],
  },
  {
    why: "this is where hard mode stands; soft mode leaves it before the next event",
    mode: "soft",
    transitions: [
      "day.exhausted.enforced · always · meteredGoOn",
      "day.exhausted.enforced · usage.reported · usageRecords",
      "day.exhausted.enforced · usage.reported · agentOverLimit",
      "day.exhausted.enforced · usage.reported · spendsInGrace",
      `ledger.refusing · ${HOLD} · otherwise`,
      "ledger.refusing · ledger.recovered · otherwise",
    ],
  },
  {
    why: "this is where soft mode stands; hard mode leaves it before the next event",
    mode: "hard",
    transitions: [
      "day.exhausted.flagged · usage.reported · usageRecords",
      "day.exhausted.flagged · usage.reported · agentOverLimit",
      "day.exhausted.flagged · usage.reported · spendsInGrace",
      `ledger.buffering · ${HOLD} · holdWaitsAlready`,
      `ledger.buffering · ${HOLD} · holdQueuesBehind`,
      `ledger.buffering · ${HOLD} · holdDeclines`,
      `ledger.buffering · ${HOLD} · holdQueues`,
      `ledger.buffering · ${HOLD} · holdAdmitsWrappingUp`,
      `ledger.buffering · ${HOLD} · holdAdmits`,
      `ledger.buffering · ${HOLD} · holdAdmitsFlagged`,
      `ledger.buffering · ${HOLD} · holdWaits`,
      `ledger.buffering · ${HOLD} · holdNever`,
      `ledger.buffering · ${HOLD} · holdNeverForAgent`,
      `ledger.buffering · ${HOLD} · holdLosesPatience`,
      `ledger.buffering · ${HOLD} · holdUnknown`,
      "ledger.buffering · ledger.recovered · otherwise",
    ],
  },
  {
    why: "the guard asks for soft mode",
    mode: "hard",
    transitions: [
      "day.exhausted.enforced · always · isSoft",
      "ledger.refusing · always · isSoft",
      "ledger.writable · ledger.failed · otherwise",
    ],
  },
  {
    why: "the guard asks for hard mode",
    mode: "soft",
    transitions: [
      "day.exhausted.flagged · always · isHard",
      "ledger.buffering · always · isHard",
      "ledger.writable · ledger.failed · isHard",
    ],
  },
]

export const whyImpossible = (transition: string, mode: Mode): string | null =>
  IMPOSSIBLE.find((entry) => entry.mode === mode && entry.transitions.includes(transition))?.why ??
  null
