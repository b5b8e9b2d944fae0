/** Lies about what is granted: admission, the limits, durations, slots. */
import type { Mutant } from "./mutant.ts"

const FITS = "account.limit > 0 && used + account.held + asked <= account.limit"
const EDGE = ["admission", "a hold fits up to the last token of the agent's own limit"] as const

export const granting: readonly Mutant[] = [
  // The admission check.
  {
    lie: "admission refuses the last token",
    file: "budget/admission.ts",
    find: FITS,
    replace: FITS.replace("<=", "<"),
    noticedBy: EDGE,
  },
  {
    lie: "admission gives one token too many",
    file: "budget/admission.ts",
    find: FITS,
    replace: FITS.replace("<=", "- 1 <="),
    noticedBy: EDGE,
  },
  {
    lie: "admission forgets what is held",
    file: "budget/admission.ts",
    find: FITS,
    replace: FITS.replace(" + account.held", ""),
    noticedBy: EDGE,
  },
  {
    lie: "admission lets everything through, and so its canary",
    file: "budget/admission.ts",
    find: FITS,
    replace: "account.limit !== null",
    noticedBy: [
      "admission",
      "a canary is refused at every limit, in both modes, with and without limits",
    ],
  },
  {
    lie: "what cannot fit may be waited for",
    file: "budget/admission.ts",
    find: "asked > account.limit ||",
    replace: "",
    noticedBy: ["admission", "a hold larger than a limit is refused for good"],
  },
  {
    lie: "soft mode refuses like hard mode",
    file: "budget/admission.ts",
    find: "settings.enforceHardLimits ? judgement.whenHard : null",
    replace: "judgement.whenHard",
    noticedBy: ["admission", "soft mode admits what hard mode would refuse, and says so"],
  },

  // The daily limit.
  {
    lie: "a hold is not held against the day",
    file: "budget/admission.ts",
    find: "judge(dayAsk(budget, asked.tokens)),",
    replace: "null,",
    noticedBy: [
      "admission",
      "a hold waits for held tokens, or for tomorrow where used ones are in the way",
    ],
  },
  {
    lie: "a spawn is not held against the day",
    file: "budget/admission.ts",
    find: "judgeDay(budget, SPAWN_AMOUNTS)",
    replace: "null",
    noticedBy: ["admission", "a spawn asks for one token of the day, and holds none"],
  },
  {
    lie: "usage is not counted to the day",
    file: "budget/fold-spending.ts",
    find: "day: inWindow ? charge(budget.day, spent) : budget.day",
    replace: "day: budget.day",
    noticedBy: ["metering", "usage without a hold is recorded in full, as overrun"],
  },

  // The agent's limit.
  {
    lie: "a hold is not held against its agent",
    file: "budget/admission.ts",
    find: "judge(agentAsk(account, asked.tokens)),",
    replace: "null,",
    noticedBy: EDGE,
  },
  {
    lie: "an account is full only beyond its limit",
    file: "budget/account.ts",
    find: "usedOf(account) >= account.limit",
    replace: "usedOf(account) > account.limit",
    noticedBy: ["metering", "a metered agent is stopped at the report that reaches its limit"],
  },
  {
    lie: "nobody is stopped for a full account",
    file: "budget/stopping.ts",
    find: "return reason === null ? decision : extend(",
    replace: "return reason !== null ? decision : extend(",
    noticedBy: ["metering", "a metered agent is stopped at the report that reaches its limit"],
  },
  {
    lie: "an own limit is not the narrower one",
    file: "budget/amounts.ts",
    find: "Math.min(a, b)",
    replace: "Math.max(a, b)",
    noticedBy: ["admission", "an own limit may only lower the general one"],
  },

  // Duration.
  {
    lie: "a deadline is reached a millisecond late, by the arithmetic",
    file: "budget/admission.ts",
    find: "at >= deadlineAt ?",
    replace: "at > deadlineAt ?",
    noticedBy: [
      "admission",
      "a hold at the deadline is refused and ends the agent, in either mode",
    ],
  },
  {
    lie: "a deadline is reached a millisecond late, by the chart",
    file: "decisions.ts",
    find: ">= deadlineAt",
    replace: "> deadlineAt",
    noticedBy: ["charts", "an agent is stopped by its deadline, to the millisecond"],
  },
  {
    lie: "no deadline is set",
    file: "consequences.ts",
    find: 'if (deadlineAt !== null) grown.deadlines.push(set({ of: "duration", key }, deadlineAt, at))',
    replace: "",
    noticedBy: ["charts", "an agent is stopped by its deadline, to the millisecond"],
  },

  // Slots.
  {
    lie: "there is one slot more",
    file: "budget/admission.ts",
    find: "taken >= max",
    replace: "taken > max",
    noticedBy: ["admission", "slots refuse at active ≥ max, until one is free"],
  },
  {
    lie: "slots are not asked for",
    file: "budget/admission.ts",
    find: "judgeSlot(budget.slotsTaken, budget.settings.maxConcurrentAgents),",
    replace: "",
    noticedBy: ["admission", "slots are counted in soft mode too"],
  },
  {
    lie: "an end frees no slot",
    file: "budget/fold.ts",
    find: "slotsTaken: budget.slotsTaken - (agent.slot ? 1 : 0)",
    replace: "slotsTaken: budget.slotsTaken",
    noticedBy: ["admission", "slots refuse at active ≥ max, until one is free"],
  },
  {
    lie: "the chart never stands at full",
    file: "supervisor-guards.ts",
    find: "isFull: ({ context }) => isCrowded(context),",
    replace: "isFull: () => false,",
    noticedBy: ["charts", "slots are given out first come, first served"],
  },
  {
    lie: "whoever waits in line is never let in",
    file: "supervisor.ts",
    find: '{ guard: "nextAdmits", actions: "settleNext" },',
    replace: "",
    noticedBy: ["charts", "slots are given out first come, first served"],
  },
]
