/** Lies about what is counted: holds, days, what a full one stops, and what happens once. */
import type { Mutant } from "./mutant.ts"

const ONCE = ["holds", "a hold resolves at most once, however it is tried"] as const

export const counting: readonly Mutant[] = [
  // Holds.
  {
    lie: "an expired hold is given back",
    file: "budget/fold.ts",
    find: "return expireHold(budget, row)",
    replace: "return dropHold(budget, row)",
    noticedBy: ["holds", "an expired hold is charged in full, as uncertain, and never early"],
  },
  {
    lie: "a hold expires early",
    file: "budget/holds.ts",
    find: "reached < hold.expiresAt",
    replace: "reached < hold.expiresAt - 1",
    noticedBy: ["holds", "an expired hold is charged in full, as uncertain, and never early"],
  },
  {
    lie: "a hold may be settled twice",
    file: "budget/fold-spending.ts",
    find: "holds: HashMap.remove(budget.holds, row.holdId),",
    replace: "",
    noticedBy: ONCE,
  },
  {
    lie: "a settled hold goes on being held",
    file: "budget/fold-spending.ts",
    find: "account: release(agent.account, held.tokens),",
    replace: "",
    noticedBy: ONCE,
  },
  {
    lie: "usage beyond its hold is no overrun",
    file: "budget/fold-spending.ts",
    find: "const overrun = subtract(row.tokens, row.heldTokens)",
    replace: "const overrun = 0",
    noticedBy: ["holds", "a hold settled below gives back the rest, settled above adds overrun"],
  },
  {
    lie: "an end forgets what its agent held",
    file: "budget/ending.ts",
    find: "...expiryRows(turned.budget, agent),",
    replace: "",
    noticedBy: ["holds", "an end charges what its agent still held"],
  },
  {
    lie: "the lost take their holds with them",
    file: "budget/recovery.ts",
    find: "...expiryRows(budget, agent),",
    replace: "",
    noticedBy: ["recovery", "whoever was live ends lost, and what was held is charged"],
  },

  // What is kept for later runs.
  {
    lie: "what is kept is forgotten",
    file: "budget/fold.ts",
    find: "return { ...budget, kept: row.values }",
    replace: "return budget",
    noticedBy: [
      "recovery",
      "what is kept first of all begins the ledger, and opens its day in its zone",
    ],
  },
  {
    lie: "what is kept never applies to the day that is open",
    file: "budget/limits.ts",
    find: "...(sameSettings(inForce, settings) ? []",
    replace: "...(sameSettings(inForce, inForce) ? []",
    noticedBy: [
      "limits",
      "a kept value that applies at once is felt at once, one that is hidden is not",
    ],
  },
  {
    lie: "limits are written again with each value that is kept",
    file: "budget/limits.ts",
    find: "...(sameSettings(inForce, settings) ? []",
    replace: "...(!sameSettings(inForce, inForce) ? []",
    noticedBy: [
      "limits",
      "a kept value is a row of its own, and the limits one only where they change",
    ],
  },
  {
    lie: "a checkpoint of another version takes what was kept with it",
    file: "budget/checkpoint.ts",
    find: '"kept" in state ? state.kept : null',
    replace: '"kept" in state ? null : null',
    noticedBy: [
      "checkpoint",
      "what was kept for later runs is read from a checkpoint of any version",
    ],
  },

  // The day.
  {
    lie: "every day has 24 hours",
    file: "budget/window.ts",
    find: "endsAt: following?.at ?? LATEST_INSTANT,",
    replace: "endsAt: open.at + MS_PER_DAY,",
    noticedBy: ["days", "a day is the zone's own, however long it is"],
  },
  {
    lie: "a day that was left may open again",
    file: "budget/window.ts",
    find: "if (within < previous.endsAt) return previous",
    replace: "if (within < previous.endsAt) return windowAt(within, timeZone)",
    noticedBy: ["days", "the open day is never left for an earlier one"],
  },
  {
    lie: "a day ends a millisecond late",
    file: "budget/decision.ts",
    find: "at < budget.window.endsAt",
    replace: "at <= budget.window.endsAt",
    noticedBy: ["days", "the day turns at its last millisecond's end, with whatever comes first"],
  },
  {
    lie: "a new day does not forget what yesterday used",
    file: "budget/fold.ts",
    find: "day: openAccount(budget.settings.dailyTokenLimit, budget.settings.thresholds),",
    replace: "",
    noticedBy: ["days", "the day turns at its last millisecond's end, with whatever comes first"],
  },

  // A day that is full.
  {
    lie: "a full day stops nobody",
    file: "supervisor.ts",
    find: '{ guard: "meteredGoOn", actions: "stopMetered" },',
    replace: "",
    noticedBy: ["charts", "a full day stops who is metered, also who reports only then"],
  },
  {
    lie: "a full day lets be who reports only then",
    file: "supervisor.ts",
    find: `always: [
            { guard: "isSoft", target: "flagged" },
            { guard: "meteredGoOn", actions: "stopMetered" },
          ],`,
    replace: 'entry: "stopMetered", always: { guard: "isSoft", target: "flagged" },',
    noticedBy: ["charts", "a full day stops who is metered, also who reports only then"],
  },
  {
    lie: "a full day stops the reserved too",
    file: "budget/stopping.ts",
    find: 'isDayFull(budget) && agent.enforcement === "metered" &&',
    replace: "isDayFull(budget) &&",
    noticedBy: ["stopping", "a full day stops the metered agents and leaves the reserved ones"],
  },

  // What is told once, counted once, caused once.
  {
    lie: "a crossing is told again and again",
    file: "consequences.ts",
    find: "known?.limit === account.limit ? known.told : 0",
    replace: "known === undefined ? 0 : 0",
    noticedBy: ["facts", "an agent is warned at each threshold once, before the stop it causes"],
  },
  {
    lie: "a status that was left is told anew",
    file: "budget/account.ts",
    find: "level > account.told ?",
    replace: "level !== account.told ?",
    noticedBy: ["account", "a crossing is told once for each limit"],
  },
  {
    lie: "a repeated call counts again",
    file: "budget/metering.ts",
    find: "report.usageId === null ? undefined : knownCall(agent.calls, report.usageId)",
    replace: "report.usageId === null ? undefined : undefined",
    noticedBy: ["metering", "a repeated id keeps the largest of each count"],
  },
  {
    lie: "the last cause of a stop wins",
    file: "budget/stopping.ts",
    find: "agent === undefined || !isActive(agent) || !agent.slot",
    replace: "agent === undefined || !agent.slot",
    noticedBy: [
      "stopping",
      "the first cause of a stop is latched and becomes the reason of the end",
    ],
  },

  // A ledger that cannot be written.
  {
    lie: "hard mode goes on granting what no row remembers",
    file: "supervisor.ts",
    find: '"hold.requested": { actions: "refuseHoldUnwritable" },',
    replace: '"hold.requested": requestedHold,',
    noticedBy: [
      "charts",
      "in hard mode a ledger that cannot be written grants nothing and stops everybody",
    ],
  },
  {
    lie: "hard mode lets everybody go on without a ledger",
    file: "supervisor.ts",
    find: 'entry: "stopAll",',
    replace: "",
    noticedBy: [
      "charts",
      "in hard mode a ledger that cannot be written grants nothing and stops everybody",
    ],
  },
]
