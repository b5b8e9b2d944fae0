/**
 * An agent that works through some calls and prints one usage line for each.
 *
 *   node worker.mjs CALLS TOKENS_PER_CALL [MS_PER_CALL]
 *
 * The model is a stand-in: it answers after a while, and says what it used.
 */
import { setTimeout as wait } from "node:timers/promises"

const [calls = 5, tokens = 10_000, ms = 500] = process.argv.slice(2).map(Number)
const agent = process.env.STINT_AGENT_ID ?? "worker"

for (let call = 1; call <= calls; call += 1) {
  await wait(ms)
  const outputTokens = Math.round(tokens * 0.15)
  const usage = {
    type: "stint.usage",
    id: `${agent}-${call}`,
    inputTokens: tokens - outputTokens,
    outputTokens,
    cacheReadTokens: tokens * 4,
    model: "stand-in",
  }
  process.stdout.write(`${JSON.stringify(usage)}\n`)
}
