/** What a holder does with whoever connects: agents of others, askers, and those who talk nonsense. */
import { existsSync, linkSync, lstatSync, mkdirSync, readlinkSync, statSync } from "node:fs"
import { connect, createServer } from "node:net"
import { join } from "node:path"
import { describe, expect, it, onTestFinished } from "vitest"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { listenAndHold } from "../../src/sharing/holding.ts"
import type { FromHolder, ToHolder } from "../../src/sharing/messages.ts"
import { openLedger } from "../../src/sharing/open-ledger.ts"
import { openSession } from "../../src/sharing/session.ts"
import { visitHolder } from "../../src/sharing/visitor.ts"
import { temporaryFolder } from "../ledger/temporary-folder.ts"
import { eventually } from "../runners/proc-reader.ts"
import {
  agent,
  attach,
  hold,
  is,
  KEY,
  newLedger,
  OPTIONS,
  over,
  started,
} from "./attached-process.ts"

const reading = (n: number, inputTokens = 10): ToHolder => ({
  type: "usage",
  key: KEY,
  n,
  reading: {
    usageId: `call-${n}`,
    usage: { inputTokens, outputTokens: 0, cacheWriteTokens: 0, cacheReadTokens: 0 },
    provenance: "reported",
    model: null,
  },
})

const countedTo = (n: number) => (message: FromHolder) =>
  message.type === "counted" && message.n === n

describe("an agent of an attached run", () => {
  it("is admitted, begun, counted and ended by the holder", async () => {
    const path = newLedger()
    const holding = await hold(path)
    const run = await attach(path)
    run.say(agent(false))
    await run.hears(is("begin"))
    run.say(started, reading(1), reading(2))
    await run.hears(countedTo(2))
    run.say(...over)
    expect(await run.hears(is("ended"))).toMatchObject({
      agent: { reason: "completed", totalTokens: 20, exitCode: 0 },
    })
    await holding.leave()
  })

  it("lives on under the next holder, where what it says again counts once", async () => {
    const path = newLedger()
    const first = await hold(path)
    const before = await attach(path)
    before.say(agent(false))
    await before.hears(is("begin"))
    before.say(started, reading(1), reading(2))
    await before.hears(countedTo(2))
    await first.leave()
    await before.hears(is("goodbye"))

    const ledger = await openLedger(path)
    if (ledger instanceof LedgerUnavailable) throw ledger
    const { holding } = await listenAndHold(ledger, OPTIONS)
    const after = await attach(path)
    after.say(agent(true))
    await after.hears(is("granted"))
    after.say(started, reading(1), reading(2, 15), reading(3), ...over)
    expect(await after.hears(is("ended"))).toMatchObject({
      agent: { reason: "completed", totalTokens: 35 },
    })
    expect(after.heard.filter(is("begin"))).toEqual([])
    await (await holding).leave()
  })

  it("goes on stopping under the next holder", async () => {
    const path = newLedger()
    const first = await hold(path)
    const before = await attach(path)
    before.say(agent(false))
    await before.hears(is("begin"))
    before.say(started, { type: "stop", key: KEY, reason: "cancelled", now: false })
    await before.hears(is("interrupt"))
    await first.supervisor.flush()
    await first.leave()

    const ledger = await openLedger(path)
    if (ledger instanceof LedgerUnavailable) throw ledger
    const { holding } = await listenAndHold(ledger, OPTIONS)
    const after = await attach(path)
    after.say(agent(true))
    expect(await after.hears(is("interrupt"))).toMatchObject({ reason: "cancelled" })
    after.say(...over)
    expect(await after.hears(is("ended"))).toMatchObject({ agent: { reason: "cancelled" } })
    await (await holding).leave()
  })

  it("hears its end from the next holder when the last one could not tell it", async () => {
    const path = newLedger()
    const first = await hold(path)
    const before = await attach(path)
    before.say(agent(false))
    await before.hears(is("begin"))
    before.say(started, reading(1), ...over)
    await before.hears(is("ended"))
    await first.leave()
    const second = await hold(path)
    const after = await attach(path)
    after.say(agent(true))
    expect(await after.hears(is("ended"))).toMatchObject({
      agent: { reason: "completed", totalTokens: 10 },
    })
    await second.leave()
  })

  it("that nobody claims is swept before anything new is admitted, and ends lost", async () => {
    const path = newLedger()
    const first = await hold(path)
    const before = await attach(path)
    before.say(agent(false))
    await before.hears(is("begin"))
    before.say(started)
    await first.supervisor.flush()
    await first.leave()
    const swept: string[] = []
    const second = await hold(path, {
      sweep: async (lost) => {
        swept.push(...lost.map(({ agentId }) => agentId))
      },
    })
    expect(swept).toEqual(["far"])
    expect(second.supervisor.summary()).toMatchObject({
      activeAgents: 0,
      agentUsage: [{ agentId: "far", reason: "lost" }],
    })
    await second.leave()
  })

  it("whose run comes back at once is not lost", async () => {
    const path = newLedger()
    const holding = await hold(path)
    const before = await attach(path)
    before.say(agent(false))
    await before.hears(is("begin"))
    before.say(started)
    before.destroy()
    const after = await attach(path)
    after.say(agent(true))
    await after.hears(is("granted"))
    await holding.leave()
    await after.hears(is("goodbye"))
    expect(after.heard.filter(is("ended"))).toEqual([])
  })

  it("that waits in line is forgotten with its run", async () => {
    const path = newLedger()
    const flags = { "max-concurrent-agents": "1" }
    const holding = await hold(path, { sources: { flags } })
    const { supervisor } = holding
    const own = await supervisor.spawn({
      taskId: "own",
      run: ({ signal }) => new Promise((resolve) => signal.addEventListener("abort", resolve)),
    })
    const run = await attach(path)
    run.say(agent(false))
    await eventually(() => supervisor.waiting() === 1)
    run.destroy()
    await eventually(() => supervisor.waiting() === 0)
    await own.stop()
    expect(supervisor.summary().agentUsage).toHaveLength(1)
    await holding.leave()
  })
})

/** What a stranger hears until the connection is closed. */
const stranger = (path: string, said: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(path)
    let heard = ""
    socket.setEncoding("utf8").on("data", (text) => {
      heard += text
    })
    socket.on("error", () => {})
    socket.on("close", () => resolve(heard))
    socket.write(said)
  })

describe("a stranger at the socket", () => {
  it.each([
    ["garbage", "GET / HTTP/1.1\n\n"],
    ["a line without end", "x".repeat(2 << 20)],
    ["a first word that is not hello", `${JSON.stringify({ type: "facts" })}\n`],
    ["another version", `${JSON.stringify({ type: "hello", version: 999, pid: 1 })}\n`],
  ])("is answered and turned away: %s", async (_, said) => {
    const path = newLedger()
    const holding = await hold(path)
    const run = await attach(path)
    expect(await stranger(`${path}.sock`, said)).toContain('"turned_away"')
    run.say(agent(false))
    await run.hears(is("begin"))
    await holding.leave()
  })
})

describe("the socket", () => {
  it("is for its owner alone, and goes with its holder", async () => {
    const path = newLedger()
    const holding = await hold(path)
    expect(statSync(`${path}.sock`).mode & 0o777).toBe(0o600)
    await holding.leave()
    expect(existsSync(`${path}.sock`)).toBe(false)
  })

  it("replaces what a dead holder left", async () => {
    const path = newLedger()
    const dead = createServer()
    await new Promise<void>((resolve) => dead.listen(`${path}.sock.before`, resolve))
    linkSync(`${path}.sock.before`, `${path}.sock`)
    await new Promise((resolve) => dead.close(resolve))
    expect(await visitHolder(path)).toBeNull()
    const holding = await hold(path)
    const visitor = await visitHolder(path)
    expect((await visitor?.standing())?.pid).toBe(process.pid)
    visitor?.leave()
    await holding.leave()
  })

  it("of a ledger with a long name is found through a link", async () => {
    const folder = join(temporaryFolder(), "a".repeat(120))
    mkdirSync(folder)
    const path = join(folder, "ledger.db")
    const holding = await hold(path)
    expect(lstatSync(`${path}.sock`).isSymbolicLink()).toBe(true)
    const target = readlinkSync(`${path}.sock`)
    expect(statSync(target).mode & 0o777).toBe(0o600)
    const run = await attach(path)
    run.say({ type: "status", id: 1 })
    await run.hears(is("stands"))
    await holding.leave()
    expect(existsSync(target)).toBe(false)
  })
})

describe("a ledger somebody else holds without listening", () => {
  it("is refused as locked, by name", async () => {
    const path = newLedger()
    const ledger = await openLedger(path)
    if (ledger instanceof LedgerUnavailable) throw ledger
    onTestFinished(() => ledger.close())
    await expect(openSession({ ...OPTIONS, ledger: path })).rejects.toMatchObject({
      reason: "locked",
      path,
    })
  })
})
