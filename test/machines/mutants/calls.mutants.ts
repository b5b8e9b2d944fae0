/** Lies about calls by their bounds: cutting, money, the line, winding down, own accounts. */
import type { Mutant } from "./mutant.ts"

const CUT = [
  "granting",
  "a call is cut to the longest answer that fits, and refused below what is useful",
] as const
const WIND_DOWN = [
  "granting",
  "what is set aside for winding down is used last, told once, and then the agent ends",
] as const
const UNPRICED = [
  "granting",
  "a model without a price is refused under a cost limit, never taken for one that costs nothing",
] as const
const UNBOUNDED = [
  "granting",
  "a call without a bound is refused in hard mode and counted afterwards where that is allowed",
] as const
const IN_TURN = [
  "charts",
  "calls of one agent are answered in their turn, and nobody else's wait for them",
] as const
const OWN_ACCOUNT = [
  "money",
  "an own account that agrees changes nothing, and what no count covers is recorded",
] as const

const TENTATIVE = [
  "granting",
  "a tentative ask gets all of it or is declined, and to be declined is no refusal",
] as const

export const calls: readonly Mutant[] = [
  // A bound that may be tightened.
  {
    lie: "to be declined is a refusal, and stops the agent",
    file: "budget/holds.ts",
    find: "if (request.isTentative === true && sought.refusal !== null)",
    replace: "if (false && sought.refusal !== null)",
    noticedBy: TENTATIVE,
  },
  {
    lie: "a tentative ask is cut like any other",
    file: "budget/granting.ts",
    find: "return request.isTentative === true ? { ...outputTokens, least: outputTokens.most } : outputTokens",
    replace: "return outputTokens",
    noticedBy: TENTATIVE,
  },
  // How long an answer may be.
  {
    lie: "an answer is cut to nothing useful instead of being refused",
    file: "budget/call-bound.ts",
    find: "if (most <= least || !fits(least)) return null",
    replace: "if (most <= least || !fits(least)) return least",
    noticedBy: CUT,
  },
  {
    lie: "an answer is one token shorter than it might be",
    file: "budget/call-bound.ts",
    find: "while (high - low > 1) {",
    replace: "while (high - low > 2) {",
    noticedBy: ["callBound", "the longest answer is found at every boundary"],
  },
  {
    lie: "a call is held by more than its answer was cut to",
    file: "budget/granting.ts",
    find: "): Grant => ({ ...amountsAt(request, outputTokens, settings), outputTokens, wrapsUp })",
    replace:
      "): Grant => ({ ...amountsAt(request, rangeOf(request).most, settings), outputTokens, wrapsUp })",
    noticedBy: CUT,
  },
  {
    lie: "soft mode cuts",
    file: "budget/granting.ts",
    find: "if (settings.enforceHardLimits && hard.grant !== null) return hard",
    replace: "if (hard.grant !== null) return hard",
    noticedBy: [
      "granting",
      "soft mode gives all that is asked for, and flags it where hard mode would refuse",
    ],
  },
  {
    lie: "one answer is held where several are asked for",
    file: "budget/call-bound.ts",
    find: "Math.min(answers * tokens, MAX_AMOUNT)",
    replace: "Math.min(tokens, answers * MAX_AMOUNT)",
    noticedBy: [
      "callBound",
      "a bound is its input at the dearest weight and every answer at its longest",
    ],
  },
  {
    lie: "input is taken for uncached",
    file: "budget/call-bound.ts",
    find: "Math.max(input, cacheWrite, cacheRead)",
    replace: "Math.min(input, Math.max(cacheWrite, cacheRead))",
    noticedBy: [
      "callBound",
      "a bound is its input at the dearest weight and every answer at its longest",
    ],
  },
  {
    lie: "money loses its last digits past 2^53",
    file: "budget/call-bound.ts",
    find: "pico <= MAX_AMOUNT",
    replace: "pico <= Number.MAX_VALUE",
    noticedBy: ["callBound", "money loses no digit past 2^53, and stops at the largest amount"],
  },

  // Money.
  {
    lie: "a hold asks nothing of its agent's money",
    file: "budget/admission.ts",
    find: "judge(agentCostAsk(cost, asked.costMicroUsd)),",
    replace: "null,",
    noticedBy: [
      "granting",
      "money is asked for in the same verdict: the agent's own refuses it for good",
    ],
  },
  {
    lie: "a hold asks nothing of the day's money",
    file: "budget/admission.ts",
    find: "judge(dayCostAsk(budget, asked.costMicroUsd)),",
    replace: "null,",
    noticedBy: [
      "granting",
      "the day's money is there again tomorrow, and a call dearer than a day is not its agent's end",
    ],
  },
  {
    lie: "money that is held is not held",
    file: "budget/fold-spending.ts",
    find: "dayCost: isToday ? holdMoney(budget.dayCost, costMicroUsd) : budget.dayCost,",
    replace: "dayCost: budget.dayCost,",
    noticedBy: ["money", "money is held, given back and overrun as tokens are"],
  },
  {
    lie: "a day without money goes on",
    file: "budget/stopping.ts",
    find: "isFull(day) || isFull(dayCost)",
    replace: "isFull(day)",
    noticedBy: ["money", "the day's money stops the metered, and refuses whoever would start"],
  },
  {
    lie: "nobody is stopped for want of money",
    file: "budget/stopping.ts",
    find: "return isFull(agent.cost) || hasUnknownCost",
    replace: "return hasUnknownCost",
    noticedBy: ["money", "a metered agent is stopped by what makes its own money full"],
  },
  {
    lie: "a call without a price costs nothing, as held",
    file: "budget/admission.ts",
    find: "const isPriced = ask.costMicroUsd !== null ||",
    replace: "const isPriced = ask.costMicroUsd === null ||",
    noticedBy: UNPRICED,
  },
  {
    lie: "a call without a price costs nothing, as reported",
    file: "budget/stopping.ts",
    find: "agent.unpricedCalls > 0 &&",
    replace: "agent.unpricedCalls < 0 &&",
    noticedBy: [
      "money",
      "under a cost limit a metered agent ends with its first call without a price",
    ],
  },
  {
    lie: "a call without a price costs nothing, as expired",
    file: "budget/fold-spending.ts",
    find: "const cost = costOf(row.heldCostMicroUsd, row.heldCostMicroUsd ?? 0)",
    replace: "const cost = costOf(row.heldCostMicroUsd ?? 0, row.heldCostMicroUsd ?? 0)",
    noticedBy: [
      "money",
      "a call without a price that nobody settles is counted as such, one that costs nothing is not",
    ],
  },
  {
    lie: "a better number leaves the old cost uncertain beside the new one",
    file: "budget/metering.ts",
    find: "if (now === null && before === null) return {}",
    replace: "if (now === null) return {}",
    noticedBy: ["money", "a repeated call costs what the better number says, never less, and once"],
  },

  // What cannot be bounded.
  {
    lie: "hard mode lets through what cannot be bounded",
    file: "budget/admission.ts",
    find: "const isBounded = ask.isBounded || allowUnbounded",
    replace: "const isBounded = ask.isBounded || allowUnbounded || true",
    noticedBy: UNBOUNDED,
  },
  {
    lie: "an agent with a call without a bound stays reserved",
    file: "budget/holds.ts",
    find: 'claims === "metered" || !isBounded',
    replace: 'claims === "metered"',
    noticedBy: UNBOUNDED,
  },

  // The line.
  {
    lie: "who comes later overtakes its own line",
    file: "supervisor.ts",
    find: '{ guard: "holdQueuesBehind", actions: "joinHoldQueue" },',
    replace: "",
    noticedBy: IN_TURN,
  },
  {
    lie: "who is about to be stopped is told to come again tomorrow",
    file: "next-in-line.ts",
    find: "if (isLeaving && budget.settings.enforceHardLimits) return undefined",
    replace: "",
    noticedBy: [
      "charts",
      "a full day stops who is found to be metered only then, and its calls in line with it",
    ],
  },
  {
    lie: "the whole line waits for its first",
    file: "queue.ts",
    find: "!heads.has(found.value.key)",
    replace: "heads.size === 0",
    noticedBy: IN_TURN,
  },
  {
    lie: "what was granted waits in line for its answer",
    file: "supervisor-guards.ts",
    find: "return queue && !isGranted && hasHoldOf",
    replace: "return queue && hasHoldOf",
    noticedBy: ["charts", "what was granted is answered again at once, whoever waits"],
  },
  {
    lie: "who withdraws stays in line",
    file: "supervisor.ts",
    find: '"hold.withdrawn": { guard: "holdIsWaiting", actions: "leaveHoldQueue" },',
    replace: "",
    noticedBy: [
      "charts",
      "who withdraws from the line is never answered, and lets the next one pass",
    ],
  },
  {
    lie: "nobody in line is told that the ledger failed",
    file: "supervisor.ts",
    find: '{ guard: "anyHoldWaits", actions: "refuseNextHoldUnwritable" },',
    replace: "",
    noticedBy: ["charts", "a line ends with the life, the day or the ledger it waits for"],
  },

  // Holds that are watched.
  {
    lie: "a watched hold expires",
    file: "budget/holds.ts",
    find: "expiresAt: isWatched ? null : expiresAt,",
    replace: "expiresAt: isWatched ? expiresAt : expiresAt,",
    noticedBy: ["charts", "a hold without a time of its own outlives every alarm"],
  },

  // Winding down.
  {
    lie: "nothing is set aside",
    file: "budget/admission.ts",
    find: "judgeOwn(ask.wrapsUp ? agent : withoutReserve(budget, agent), ask),",
    replace: "judgeOwn(agent, ask),",
    noticedBy: WIND_DOWN,
  },
  {
    lie: "what is set aside is never given",
    file: "budget/granting.ts",
    find: "reserveOf(budget, agent) > 0 && !agent.wrappingUp",
    replace: "reserveOf(budget, agent) < 0 && !agent.wrappingUp",
    noticedBy: WIND_DOWN,
  },
  {
    lie: "an agent winds down while held tokens may come back",
    file: "budget/granting.ts",
    find: 'never && reason === "agent_token_limit"',
    replace: 'reason === "agent_token_limit"',
    noticedBy: WIND_DOWN,
  },
  {
    lie: "an agent is told again and again to wind down",
    file: "consequences.ts",
    find: "agentOf(before, key)?.wrappingUp === true",
    replace: "agentOf(before, key) === undefined",
    noticedBy: ["facts", "an agent is told to wind down once, with what is left of its limit"],
  },
  {
    lie: "an agent winds down for ever",
    file: "budget/fold.ts",
    find: "agent.wrappingUp && account.limit === agent.account.limit",
    replace: "agent.wrappingUp",
    noticedBy: [
      "granting",
      "under another limit something else is set aside, and its agent is told anew",
    ],
  },

  // Own accounts.
  {
    lie: "what no count covers is not recorded",
    file: "budget/metering.ts",
    find: 'conclude(turned, "foundUncounted", [read, found])',
    replace: 'conclude(turned, "foundUncounted", [read])',
    noticedBy: OWN_ACCOUNT,
  },
  {
    lie: "a call under way is taken for an uncounted one",
    file: "budget/metering.ts",
    find: "rawTokens(usage) + account.held + unexplained",
    replace: "rawTokens(usage) + unexplained",
    noticedBy: OWN_ACCOUNT,
  },
  {
    lie: "an estimate covers its call twice",
    file: "budget/metering.ts",
    find: "Math.min(account.uncertain, subtract(usedOf(account), explained))",
    replace: "Math.max(account.uncertain, subtract(usedOf(account), explained))",
    noticedBy: [
      "money",
      "an estimate covers its call once: its counts do, and not its uncertainty again",
    ],
  },
]
