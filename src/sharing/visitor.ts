/** Somebody who only asks the holder something: how things stand, or that an agent stop, a value be kept. */
import { connectToHolder, type ToHolderChannel } from "./connect.ts"
import type { FromHolder, Standing } from "./messages.ts"

export interface Visitor {
  /** Null when the holder left before it answered. */
  readonly standing: () => Promise<Standing | null>
  /** Asks the live agent of that name to stop, `now` without a grace. */
  readonly halt: (agentId: string, now: boolean) => Promise<Halted | null>
  /** Asks that a value be kept, as written after `stint budget set`; null takes it back. */
  readonly keep: (request: {
    readonly key: string
    readonly text: string | null
  }) => Promise<Kept | null>
  readonly leave: () => void
}

export interface Halted {
  readonly found: boolean
  /** Who lives, by name. */
  readonly living: readonly string[]
}

export type Kept = Extract<FromHolder, { readonly type: "kept" }>

/** Null when nobody can be asked. */
export const visitHolder = async (ledger: string): Promise<Visitor | null> => {
  const answers = Promise.withResolvers<FromHolder>()
  const reached = await connectToHolder(ledger, (message) => {
    if (ANSWERS.includes(message.type)) answers.resolve(message)
  })
  if (!reached.reached) return null
  const { channel } = reached
  const answer = () => Promise.race([answers.promise, channel.closed.then(() => null)])
  return {
    standing: async () => standingIn(await asked(channel, { type: "status", id: 1 }, answer)),
    halt: async (agentId, now) =>
      haltedIn(await asked(channel, { type: "halt", id: 1, agentId, now }, answer)),
    keep: async ({ key: setting, text }) =>
      keptIn(await asked(channel, { type: "keep", id: 1, setting, text }, answer)),
    leave: channel.destroy,
  }
}

const ANSWERS: readonly FromHolder["type"][] = ["stands", "halted", "kept"]

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

const keptIn = (message: FromHolder | null): Kept | null =>
  message?.type === "kept" ? message : null
