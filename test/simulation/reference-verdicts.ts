/** Every way a request can be answered and a life can end; a run that misses one proves little. */
export const VERDICTS: readonly string[] = [
  "spawn granted",
  "spawn granted, hard refuses agent_token_limit",
  "spawn granted, hard refuses daily_token_limit",
  "spawn concurrency_limit never",
  "spawn concurrency_limit wait",
  "spawn concurrency_limit wait until the window's end",
  "spawn agent_token_limit never",
  "spawn daily_token_limit never",
  "spawn daily_token_limit wait",
  "spawn daily_token_limit wait until the window's end",
  "spawn duration_limit never",
  "spawn stale never",
  "hold granted",
  "hold granted, hard refuses agent_token_limit",
  "hold granted, hard refuses daily_token_limit",
  "hold agent_token_limit never",
  "hold agent_token_limit wait",
  "hold agent_token_limit wait until the window's end",
  "hold daily_token_limit never",
  "hold daily_token_limit wait",
  "hold daily_token_limit wait until the window's end",
  "hold duration_limit never",
  "hold draining never",
  "hold stale never",
  "hold granted, hard refuses cost_limit",
  "hold granted, hard refuses unboundable",
  "hold cost_limit never",
  "hold cost_limit wait",
  "hold cost_limit wait until the window's end",
  "hold unboundable never",
  "an answer cut",
  "wrapping up",
  "waits in line",
  "withdrawn from the line",
  "granted from the line",
  ...[
    "agent_token_limit",
    "daily_token_limit",
    "cost_limit",
    "duration_limit",
    "draining",
    "stale",
    "unboundable",
  ].map((reason) => `refused from the line: ${reason}`),
  "spawn granted, hard refuses cost_limit",
  "spawn cost_limit never",
  "spawn cost_limit wait",
  "spawn cost_limit wait until the window's end",
  "settled below its hold",
  "settled above its hold",
  "settled late",
  "voided",
  "expired",
  "report repeated and grown",
  "crash with an open hold",
  "a clock set back",
  "a new day",
  "status within_budget",
  "status approaching_limit",
  "status at_limit",
  "status exceeded",
  ...[
    "agent_token_limit",
    "daily_token_limit",
    "cost_limit",
    "duration_limit",
    "cancelled",
    "stalled",
    "shutdown",
  ].flatMap((reason) => [`stopping by ${reason}`, `ended by ${reason}`]),
  ...["completed", "failed", "lost"].map((reason) => `ended by ${reason}`),
]

/** How often each was reached. */
export class ReachedVerdicts {
  private readonly times = new Map(VERDICTS.map((verdict) => [verdict, 0]))

  reach(verdict: string): void {
    const times = this.times.get(verdict)
    if (times === undefined) throw new Error(`nobody expected the verdict "${verdict}"`)
    this.times.set(verdict, times + 1)
  }

  has(verdict: string): boolean {
    return (this.times.get(verdict) ?? 0) > 0
  }

  toString(): string {
    const width = Math.max(...VERDICTS.map((verdict) => verdict.length))
    return [...this.times]
      .map(([verdict, times]) => `${verdict.padEnd(width)}  ${times}`)
      .join("\n")
  }
}
