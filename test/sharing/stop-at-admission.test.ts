/** A stop that comes while an admission is being written, before anybody has a handle on the agent. */
import { expect, it, onTestFinished } from "vitest"
import { openSession, type Session, type SessionAgent } from "../../src/sharing/session.ts"
import { eventually } from "../runners/proc-reader.ts"
import { attach, hold, KEY, newLedger, OPTIONS, agent as presented } from "./attached-process.ts"
import { puppet } from "./calls-world.ts"

const newSession = async (ledger: string): Promise<Session> => {
  const session = await openSession({ ...OPTIONS, ledger })
  onTestFinished(() => session.close())
  return session
}

const orderedAtAdmission = (
  session: Session,
  order: (session: Session) => unknown,
): Promise<SessionAgent> => {
  session.on("*", ({ type }) => {
    if (type === "agent.admitted") order(session)
  })
  return session.run({ agentId: "a", taskId: "a", runner: () => puppet().runner })
}

it.each([
  ["stopping all", (session: Session) => session.stopAll("cancelled"), "cancelled"],
  ["killing all", (session: Session) => session.killAll("cancelled"), "cancelled"],
  ["closing", (session: Session) => session.close(), "shutdown"],
] as const)("%s reaches an agent of the holder", async (_, order, reason) => {
  const session = await newSession(newLedger())
  expect(session.role).toBe("holder")
  const { ended } = await orderedAtAdmission(session, order)
  expect(await ended).toMatchObject({ reason })
})

it("stopping all leaves no agent of an attached run behind", async () => {
  const ledger = newLedger()
  const holding = await hold(ledger)
  onTestFinished(() => holding.leave())
  const session = await newSession(ledger)
  expect(session.role).toBe("attached")
  const admitted = orderedAtAdmission(session, () => session.stopAll("cancelled"))
  const agent = await admitted.catch((refused: Error) => refused)
  if (agent instanceof Error) expect(agent.name).toBe("AdmissionRefused")
  else expect(await agent.ended).toMatchObject({ reason: "cancelled" })
  await eventually(() => holding.supervisor.summary().activeAgents === 0)
})

it.each(["granted", "begin"] as const)(
  "an agent withdrawn while the word that it is %s was on its way keeps no slot",
  async (type) => {
    const ledger = newLedger()
    const holding = await hold(ledger)
    onTestFinished(() => holding.leave())
    const far = await attach(ledger)
    onTestFinished(() => far.end())
    far.say(presented(false))
    await far.hears((message) => message.type === type)
    far.say({ type: "withdrawn", key: KEY })
    const ended = await far.hears((message) => message.type === "ended")
    expect(ended).toMatchObject({ key: KEY, agent: { reason: "cancelled", mechanism: "vanished" } })
    expect(holding.supervisor.summary().activeAgents).toBe(0)
  },
)
