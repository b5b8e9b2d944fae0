/** Whose limits apply to a run that came to a day already begun. */
import type { Session } from "../../sharing/session.ts"
import type { RunCall } from "./run-arguments.ts"

/** In a shared day one run's limits are everybody's: whose do not count is told so. */
export const tellLimits = (
  session: Session,
  { settings }: RunCall,
  tell: (line: string) => void,
): void => {
  if (session.role !== "attached") return
  const { dailyTokenLimit, maxConcurrentAgents, enforceHardLimits } = session.summary()
  if (
    dailyTokenLimit === settings.dailyTokenLimit &&
    maxConcurrentAgents === settings.maxConcurrentAgents &&
    enforceHardLimits === settings.enforceHardLimits
  )
    return
  const [day, agents] = [dailyTokenLimit, maxConcurrentAgents].map((limit) => limit ?? "unlimited")
  tell(
    `this day is shared with a run that began before; its limits apply (${day} tokens, ${agents} agents), not this run's`,
  )
}
