import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { startSupervisor, virtualClock } from "../../src/index.ts"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { gate, MINUTE_MS, NOON, settled, untilStopped } from "./fleet.ts"

let folder = ""
let path = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "stint-durability-"))
  path = join(folder, "ledger.db")
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const SPENDER = fileURLToPath(new URL("./fixtures/spender.ts", import.meta.url))

/** Runs the spender until it has acknowledged so many lines, then kills it where it stands. */
const killAfter = async (lines: number): Promise<readonly string[]> => {
  const child = spawn(process.execPath, ["--conditions=source", SPENDER, path], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const acknowledged: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on("line", (line) => {
    acknowledged.push(line)
    if (acknowledged.length === lines) child.kill("SIGKILL")
  })
  // Not `exit`: what it acknowledged last may still be in the pipe.
  await once(child, "close")
  return acknowledged
}

const sumOf = (lines: readonly string[], word: string): number =>
  lines
    .filter((line) => line.startsWith(word))
    .reduce((sum, line) => sum + Number(line.split(" ")[1]), 0)

describe("a supervisor on a ledger file", () => {
  it("goes on with the day where the last one ended", async () => {
    const first = await startSupervisor({ ledger: path, clock: virtualClock(NOON) })
    const agent = await first.spawn({
      taskId: "t",
      run: ({ recordUsage }) => {
        recordUsage({ inputTokens: 500 })
      },
    })
    await agent.ended
    await first.close()
    const second = await startSupervisor({ ledger: path, clock: virtualClock(NOON + MINUTE_MS) })
    expect(second.summary()).toMatchObject({ dailyTokensUsed: 500, activeAgents: 0 })
    expect(second.summary().agentUsage).toMatchObject([{ taskId: "t", reason: "completed" }])
    await second.close()
    const third = await startSupervisor({
      ledger: path,
      clock: virtualClock(NOON + 24 * 60 * MINUTE_MS),
    })
    expect(third.summary()).toMatchObject({ dailyTokensUsed: 0, agentUsage: [] })
    await third.close()
  })

  it("loses nothing acknowledged to kill -9, charges the open hold, and calls the agent lost", async () => {
    const acknowledged = await killAfter(40)
    const supervisor = await startSupervisor({
      ledger: path,
      budget: { dailyTokenLimit: null, perAgentTokenLimit: null },
    })
    const { dailyTokensUsed, uncertainTokens, heldTokens, agentUsage } = supervisor.summary()
    const certain = sumOf(acknowledged, "settled") + sumOf(acknowledged, "recorded")
    // Beside the hold of 1,000, at most the round under way was decided and not acknowledged.
    expect(dailyTokensUsed).toBeGreaterThanOrEqual(certain + 1_000)
    expect(dailyTokensUsed).toBeLessThanOrEqual(certain + 1_000 + 10)
    expect(uncertainTokens).toBeGreaterThanOrEqual(1_000)
    expect(heldTokens).toBe(0)
    expect(agentUsage).toMatchObject([
      { agentId: "spender", reason: "lost", mechanism: "vanished" },
    ])
    await supervisor.close()
  })

  it("refuses a ledger that another supervisor holds, and starts nothing", async () => {
    const first = await startSupervisor({ ledger: path })
    const error = await startSupervisor({ ledger: path }).catch((thrown) => thrown)
    expect(error).toBeInstanceOf(LedgerUnavailable)
    expect(error).toMatchObject({ reason: "locked" })
    expect(error.message).toContain(path)
    await first.close()
    const next = await startSupervisor({ ledger: path })
    await next.close()
  })

  it("refuses in hard mode when the clock reads more than 26 hours before the open day", async () => {
    const first = await startSupervisor({ ledger: path, clock: virtualClock(NOON) })
    await first.close()
    const back = NOON - 39 * 60 * MINUTE_MS
    await expect(startSupervisor({ ledger: path, clock: virtualClock(back) })).rejects.toThrow(
      /2026-03-08T21:00:00.000Z.*2026-03-10T00:00:00.000Z.*accept-clock/,
    )
    const soft = await startSupervisor({
      ledger: path,
      clock: virtualClock(back),
      budget: { enforceHardLimits: false },
    })
    await soft.close()
  })
})

describe("a ledger that cannot be written", () => {
  const fullLedger = async (enforceHardLimits: boolean) => {
    const ledger = await openSqliteLedger(path)
    const health = new Set<(error: LedgerUnavailable | null) => void>()
    let failing: LedgerUnavailable | null = null
    const flaky = {
      ...ledger,
      durable: (seq: number) => (failing === null ? ledger.durable(seq) : Promise.reject(failing)),
      onHealth: (listener: (error: LedgerUnavailable | null) => void) => {
        health.add(listener)
        return () => health.delete(listener)
      },
    }
    const turn = (error: LedgerUnavailable | null): void => {
      failing = error
      for (const listener of health) listener(error)
    }
    const clock = virtualClock(NOON)
    const supervisor = await startSupervisor({
      ledger: flaky,
      clock,
      budget: { enforceHardLimits },
    })
    const full = new LedgerUnavailable({ reason: "full", path, message: "the disk is full" })
    return { supervisor, fail: () => turn(full), mend: () => turn(null) }
  }

  it("stops every agent in hard mode, grants nothing, and opens again when it works", async () => {
    const { supervisor, fail, mend } = await fullLedger(true)
    const agent = await supervisor.spawn({ taskId: "t", run: untilStopped })
    await settled()
    fail()
    await expect(supervisor.spawn({ taskId: "u", run: () => {} })).rejects.toMatchObject({
      refusal: { reason: "ledger_unavailable", never: false },
    })
    expect(await agent.ended).toMatchObject({ reason: "shutdown" })
    mend()
    const next = await supervisor.spawn({ taskId: "u", run: () => {} })
    expect(await next.ended).toMatchObject({ reason: "completed" })
    await supervisor.close()
  })

  it("goes on in soft mode, and every row is there when it works again", async () => {
    const { supervisor, fail, mend } = await fullLedger(false)
    const over = gate()
    const agent = await supervisor.spawn({
      taskId: "t",
      run: async ({ hold, recordUsage }) => {
        await over.opened
        const held = await hold(10)
        held.settle({ inputTokens: 8 })
        recordUsage({ inputTokens: 30 })
      },
    })
    await settled()
    fail()
    over.open()
    expect(await agent.ended).toMatchObject({ reason: "completed", totalTokens: 38 })
    mend()
    await supervisor.close()
    const again = await startSupervisor({ ledger: path, clock: virtualClock(NOON) })
    expect(again.summary().dailyTokensUsed).toBe(38)
    await again.close()
  })
})
