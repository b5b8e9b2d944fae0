/** Gateways that lie, for a check that must notice: without the clamp, and without the hold. */

import type { Dialect } from "../../../src/gateway/dialects/dialect.ts"
import type { DIALECTS } from "../../../src/gateway/dialects/dialects.ts"
import type { CallAsk, HeldCall, MeteredAgent } from "../../../src/gateway/metered-agent.ts"
import { HONEST, type Parts } from "./storm.ts"

type Dialects = typeof DIALECTS

/** Requests leave with the caps their clients gave them. */
const unclamped = (dialect: Dialect): Dialect => ({
  ...dialect,
  rewrite: (body, change) => dialect.rewrite(body, { ...change, outputCap: null }),
})

export const WITHOUT_CLAMP: Parts = {
  ...HONEST,
  dialects: Object.fromEntries(
    Object.entries(HONEST.dialects).map(([name, dialect]) => [name, unclamped(dialect)]),
  ) as Dialects,
}

const done = async (): Promise<void> => undefined

/** What a hold would be if nobody had to be asked. */
const granted = ({ bound }: CallAsk): HeldCall => ({
  id: "none",
  outputTokens: bound.outputTokens.most,
  wrapUp: null,
  settle: done,
  charge: done,
  void: done,
})

/** Asks as ever, and does not heed a no. */
export const WITHOUT_HOLD: Parts = {
  ...HONEST,
  metered: (agent): MeteredAgent => {
    const honest = HONEST.metered(agent)
    return {
      ...honest,
      calls: {
        hold: async (ask, signal) => {
          const answer = await honest.calls.hold(ask, signal)
          return answer.granted ? answer : { granted: true, held: granted(ask) }
        },
      },
    }
  },
}
