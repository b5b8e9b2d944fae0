/** Somebody who only asks the holder something: how things stand, or that an agent stop. */
import { connectToHolder, type ToHolderChannel } from "./connect.ts"
import type { FromHolder, Standing } from "./messages.ts"

export interface Visitor {
  /** Null when the holder left before it answered. */
  readonly standing: () => Promise<Standing | null>
  /** Asks the live agent of that name to stop, `now` without a grace. */
  readonly halt: (agentId: string, now: boolean) => Promise<Halted | null>
  readonly leave: () => void
}

export interface Halted {
  readonly found: boolean
  /** Who lives, by name. */
  readonly living: readonly string[]
}

/** Null when nobody can be asked. */
export const visitHolder = async (ledger: string): Promise<Visitor | null> => {
  const answers = Promise.withResolvers<FromHolder>()
  const reached = await connectToHolder(ledger, (message) => {
    if (message.type === "stands" || message.type === "halted") answers.resolve(message)
  })
  if (!reached.reached) return null
  const { channel } = reached
  const answer = () => Promise.race([answers.promise, channel.closed.then(() => null)])
  return {
    standing: async () => standingIn(await asked(channel, { type: "status", id: 1 }, answer)),
    halt: async (agentId, now) =>
      haltedIn(await asked(channel, { type: "halt", id: 1, agentId, now }, answer)),
    leave: channel.destroy,
  }
}

const asked = (
  channel: ToHolderChannel,
  question: Parameters<ToHolderChannel["send"]>[0],
  answer: () => Promise<FromHolder | null>,
): Promise<FromHolder | null> => {
  channel.send(question)
  return answer()
}

const standingIn = (message: FromHolder | null): Standing | null =>
  message?.type === "stands" ? message.standing : null

const haltedIn = (message: FromHolder | null): Halted | null =>
  message?.type === "halted" ? message : null
