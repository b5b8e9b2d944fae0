/** A stop that comes while an admission is being written, before anybody has a handle on the agent. */
import { expect, it, onTestFinished } from "vitest"
import { openSession, type Session, type SessionAgent } from "../../src/sharing/session.ts"
import { eventually } from "../runners/proc-reader.ts"
import { hold, newLedger, OPTIONS } from "./attached-process.ts"
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
