/** How far usage may run ahead of the disk: at whoever holds the ledger, and at a run attached to it. */
import { describe, expect, it, onTestFinished } from "vitest"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { listenAndHold } from "../../src/sharing/holding.ts"
import { openLedger } from "../../src/sharing/open-ledger.ts"
import { roomFor, WAITING_ROWS_MAX } from "../../src/sharing/room.ts"
import { openSession, type Session, type SessionAgent } from "../../src/sharing/session.ts"
import { makeFailingLedger } from "../ledger/failing-ledger.ts"
import { hold, newLedger, OPTIONS } from "./attached-process.ts"
import { puppet } from "./calls-world.ts"

const HALF = WAITING_ROWS_MAX / 2

/** A disk that writes when it is told to, and rows that wait for it. */
const slowDisk = () => {
  const flushes: PromiseWithResolvers<void>[] = []
  let waiting = 0
  return {
    waiting: {
      pendingRows: () => waiting,
      flush: () => {
        const flush = Promise.withResolvers<void>()
        flushes.push(flush)
        return flush.promise
      },
    },
    flushes,
    wait: (rows: number) => {
      waiting = rows
    },
  }
}

describe("at the holder", () => {
  it("usage comes as it likes while few rows wait, and at the most rows waits for half of them", async () => {
    const disk = slowDisk()
    const room = roomFor(disk.waiting)
    disk.wait(HALF - 1)
    expect([room(), disk.flushes.length]).toEqual([null, 0])
    disk.wait(HALF)
    expect(room()).toBeNull()
    disk.wait(WAITING_ROWS_MAX)
    const full = room()
    expect(full).not.toBeNull()
    // What waited at half is asked for, not what came since.
    expect(disk.flushes).toHaveLength(1)
    disk.flushes[0]?.resolve()
    await full
    disk.wait(HALF)
    expect(room()).toBeNull()
  })

  it("rows that go on waiting at half are waited for anew", async () => {
    const disk = slowDisk()
    const room = roomFor(disk.waiting)
    disk.wait(HALF)
    room()
    disk.flushes[0]?.resolve()
    await new Promise(setImmediate)
    disk.wait(WAITING_ROWS_MAX)
    expect(room()).not.toBeNull()
    expect(disk.flushes).toHaveLength(2)
  })

  it("nothing is held back for a disk that cannot be written", async () => {
    const disk = slowDisk()
    const room = roomFor(disk.waiting)
    disk.wait(WAITING_ROWS_MAX)
    const full = room()
    disk.flushes[0]?.reject(new Error("full"))
    await expect(full).resolves.toBeUndefined()
  })
})

/** A run that is attached to the holder, with an agent that has begun. */
const attached = async (ledger: string): Promise<readonly [Session, SessionAgent]> => {
  const session = await openSession({ ...OPTIONS, ledger })
  expect(session.role).toBe("attached")
  onTestFinished(() => session.close())
  const work = puppet()
  const agent = await session.run({ agentId: "far", taskId: "far", runner: () => work.runner })
  await work.begun
  return [session, agent]
}

const reportMany = (agent: SessionAgent, count: number): void => {
  const usage = { inputTokens: 1, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 }
  for (let n = 0; n < count; n += 1)
    agent.recordReading({
      ...{ usageId: null, usage, model: null, provenance: "reported", completes: false },
    })
}

const tokens = async (session: Session): Promise<number> =>
  (await session.refresh()).dailyTokensUsed

describe("at an attached run", () => {
  it("usage waits once much of it is unwritten at the holder, and goes on when it is written", async () => {
    const ledger = newLedger()
    const holding = await hold(ledger)
    const [session, agent] = await attached(ledger)
    reportMany(agent, WAITING_ROWS_MAX - 1)
    expect(session.room()).toBeNull()
    reportMany(agent, 1)
    const full = session.room()
    expect(full).not.toBeNull()
    await full
    expect(session.room()).toBeNull()
    expect(await tokens(session)).toBe(WAITING_ROWS_MAX)
    await session.close()
    await holding.leave()
  })

  it("usage that waits for a holder that goes away waits no longer, and is written by the next", async () => {
    const ledger = newLedger()
    const holding = await hold(ledger)
    const [session, agent] = await attached(ledger)
    reportMany(agent, WAITING_ROWS_MAX)
    const full = session.room()
    await holding.leave()
    await full
    expect(await agent.stop()).toMatchObject({ totalTokens: WAITING_ROWS_MAX })
  })

  it("nothing is held back while the holder cannot write, and again is once it can", async () => {
    const path = newLedger()
    const opened = await openLedger(path)
    if (opened instanceof LedgerUnavailable) throw opened
    const ledger = makeFailingLedger(opened)
    const sources = { flags: { soft: true } }
    const holding = await (await listenAndHold(ledger, { ...OPTIONS, sources })).holding
    const [session, agent] = await attached(path)
    ledger.failWith("full")
    reportMany(agent, WAITING_ROWS_MAX)
    const full = session.room()
    expect(full).not.toBeNull()
    await full
    expect(session.room()).toBeNull()
    ledger.failWith(null)
    reportMany(agent, 1)
    await tokens(session)
    await holding.supervisor.flush()
    expect(await tokens(session)).toBe(WAITING_ROWS_MAX + 1)
    reportMany(agent, WAITING_ROWS_MAX)
    expect(session.room()).not.toBeNull()
    await session.close()
    await holding.leave()
  })
})
