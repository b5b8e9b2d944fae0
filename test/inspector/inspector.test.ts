import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer } from "node:http"
import { type AddressInfo, createServer as createPlainServer, type Socket } from "node:net"
import { fileURLToPath } from "node:url"
import pino from "pino"
import { afterEach, describe, expect, it, vi } from "vitest"
import { createActor, type InspectionEvent, SimulatedClock } from "xstate"
import { openBudget, supervisorMachine, windowAt } from "../../machines/index.ts"
import { startSupervisor } from "../../src/index.ts"
import { openInspector } from "../../src/inspector/inspector.ts"
import { Line } from "../../src/inspector/line.ts"
import {
  type BenchSupervisor,
  finishAgent,
  reportUsage,
  STARTED_AT,
  spawnAgent,
  UNLIMITED,
} from "../bench/fleet.ts"
import {
  actorNamed,
  contextOf,
  officialServer,
  openViewer,
  type Received,
  statesOf,
} from "./viewer.ts"

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

const view = async (port?: number) => {
  const server = await officialServer(port)
  undo.push(server.stop)
  const viewer = await openViewer(server.url)
  undo.push(viewer.close)
  return { ...viewer, url: server.url, stop: server.stop }
}

const supervised = async (inspect: string) => {
  const supervisor = await startSupervisor({ inspect })
  undo.push(() => supervisor.close())
  return supervisor
}

const inspected = async (url: string, logger = pino({ level: "silent" })) => {
  const inspector = await openInspector(url, logger)
  undo.push(inspector.close)
  const supervisor: BenchSupervisor = createActor(supervisorMachine, {
    input: { budget: openBudget(UNLIMITED, windowAt(STARTED_AT, "UTC")), at: STARTED_AT },
    clock: new SimulatedClock(),
    inspect: inspector.observe,
  }).start()
  return supervisor
}

const warnings = () => {
  const lines: string[] = []
  return { lines, logger: pino({ level: "warn" }, { write: (line) => lines.push(line) }) }
}

const untilAborted = ({ signal }: { readonly signal: AbortSignal }): Promise<void> =>
  new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))

/** A port nobody listens on. */
const freePort = async (): Promise<number> => {
  const server = createPlainServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, "close")
  return port
}

const WEBSOCKET_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

/** Shakes hands, then neither reads nor answers. */
const stuckServer = async (): Promise<string> => {
  const server = createServer()
  const sockets = new Set<Socket>()
  server.on("upgrade", ({ headers }, socket) => {
    const key = `${headers["sec-websocket-key"]}${WEBSOCKET_GUID}`
    const accept = createHash("sha1").update(key).digest("base64")
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    socket.write(`${lines.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
    socket.pause()
  })
  server.on("connection", (socket) => sockets.add(socket))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  undo.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const program = (file: string, ...args: readonly string[]) => {
  const path = fileURLToPath(new URL(`fixtures/${file}`, import.meta.url))
  const child = spawn(process.execPath, ["--conditions=source", path, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  undo.push(() => child.kill("SIGKILL"))
  return child
}

const exitCodeOf = async (...args: readonly string[]): Promise<unknown> => {
  const [code] = await once(program("inspected.ts", ...args), "exit")
  return code
}

describe("the inspector sees", () => {
  it("the supervisor, its pool, its deadlines, and each agent below the pool by its name", async () => {
    const viewer = await view()
    const supervisor = await supervised(viewer.url)
    for (const agentId of ["ada", "bob", "cy"])
      await supervisor.spawn({ taskId: "t", agentId, run: untilAborted })
    await viewer.until((frames) => frames.some((frame) => frame.name === "cy"))
    const root = actorNamed(viewer.frames, "supervisor")
    const pool = actorNamed(viewer.frames, "pool")
    expect(pool.parentId).toBe(root.sessionId)
    expect(actorNamed(viewer.frames, "deadlines").parentId).toBe(root.sessionId)
    for (const name of ["ada", "bob", "cy"]) {
      const agent = actorNamed(viewer.frames, name)
      expect(agent).toMatchObject({ parentId: pool.sessionId, rootId: root.sessionId })
      expect(JSON.parse(agent.definition ?? "").id).toBe("agent")
    }
    expect(Object.keys(JSON.parse(root.definition ?? "").states)).toEqual([
      "admission",
      "day",
      "ledger",
      "life",
    ])
  })

  it("every state of an agent's life, however short", async () => {
    const viewer = await view()
    const supervisor = await supervised(viewer.url)
    const agent = await supervisor.spawn({ taskId: "t", agentId: "ada", run: untilAborted })
    await agent.stop()
    const ended = (frames: typeof viewer.frames): boolean =>
      frames.some((frame) => frame.snapshot?.status === "done")
    await viewer.until(ended)
    const { sessionId } = actorNamed(viewer.frames, "ada")
    expect(statesOf(viewer.frames, sessionId)).toEqual([
      '"starting"',
      '"running"',
      '{"stopping":"grace"}',
      '"ended"',
    ])
    expect(
      viewer.frames.find((frame) => frame.snapshot?.status === "done")?.snapshot,
    ).toMatchObject({
      context: { agentId: "ada", reason: "cancelled" },
      output: { reason: "cancelled", mechanism: "interrupted" },
    })
  })

  it("what the supervisor decides by", async () => {
    const viewer = await view()
    const supervisor = await supervised(viewer.url)
    await supervisor.spawn({
      taskId: "t",
      agentId: "ada",
      run: async (context) => {
        await context.hold(5_000)
        context.recordUsage({ inputTokens: 900, outputTokens: 100 })
        await untilAborted(context)
      },
    })
    await viewer.until(() => contextOf(viewer.frames, "supervisor")?.dailyTokensUsed === 1_000)
    expect(contextOf(viewer.frames, "supervisor")).toEqual({
      dailyTokensUsed: 1_000,
      dailyTokenLimit: 10_000_000,
      budgetStatus: "within_budget",
      heldTokens: 5_000,
      activeAgents: 1,
      maxConcurrentAgents: 10,
      waiting: 0,
      enforceHardLimits: true,
      windowId: new Date().toISOString().slice(0, 10),
      life: "open",
      ledger: "writable",
    })
    expect(contextOf(viewer.frames, "pool")).toEqual({ live: 1 })
    expect(contextOf(viewer.frames, "deadlines")).toMatchObject({ pending: expect.any(Number) })
    const usage = viewer.frames.find((frame) => frame.event?.type === "usage.reported")?.event
    expect(usage).toMatchObject({ inputTokens: 900, outputTokens: 100, provenance: "reported" })
  })

  it("no text that an agent or its tools wrote", async () => {
    const viewer = await view()
    const supervisor = await supervised(viewer.url)
    const secret = "sk-marker-3141592653"
    const agent = await supervisor.spawn({
      taskId: "t",
      agentId: "ada",
      run: (context) => {
        context.recordUsage({ inputTokens: 1, model: secret })
        throw new Error(`the prompt was: ${secret}`)
      },
    })
    const { error } = await agent.ended
    expect(error).toContain(secret)
    await viewer.until((frames) => frames.some((frame) => frame.snapshot?.status === "done"))
    await supervisor.close()
    expect(viewer.frames.filter((frame) => frame.text.includes(secret))).toEqual([])
    expect(contextOf(viewer.frames, "ada")).toMatchObject({ reason: "failed" })
  })

  it("the same through the official receiver", async () => {
    const { url } = await view()
    const receiver = program("receiver.ts", url, "ada")
    const [ready] = await once(receiver.stdout, "data")
    expect(String(ready)).toBe("listening\n")
    const supervisor = await supervised(url)
    const agent = await supervisor.spawn({ taskId: "t", agentId: "ada", run: () => {} })
    await agent.ended
    const [seen] = await once(receiver.stdout, "data")
    expect(JSON.parse(String(seen))).toEqual({
      version: "0.7.2",
      path: ["supervisor", "pool", "ada"],
      states: ["starting", "running", "ended"],
    })
  })
})

const largest = (sizes: readonly number[]): number => Math.max(...sizes)

/** The chart is a text within the frame: taken out as it stands there, with its quotes escaped. */
const besideChart = ({ text, bytes, definition }: Received): number =>
  definition === undefined
    ? bytes
    : Buffer.byteLength(text.replace(JSON.stringify(definition), () => ""))

describe("under load", () => {
  it("frames stay small and no agent is missing among a thousand", async () => {
    const viewer = await view()
    const supervisor = await inspected(viewer.url)
    const names = Array.from({ length: 1_000 }, (_, index) => `agent-${index}`)
    for (const name of names) spawnAgent(supervisor, name)
    reportUsage(supervisor, "agent-999", 7)
    await viewer.until(() => contextOf(viewer.frames, "agent-999") !== undefined)
    await viewer.until(() => contextOf(viewer.frames, "supervisor")?.dailyTokensUsed === 7)
    const registered = viewer.frames.filter((frame) => frame.type === "@xstate.actor")
    expect(new Set(registered.map(({ name }) => name)).size).toBe(1_003)
    expect(largest(viewer.frames.map(besideChart))).toBeLessThan(1_000)
    // Whole: each agent's registration brings its chart, and the supervisor's a larger one.
    const [supervisors, others] = [registered.slice(0, 1), registered.slice(1)]
    expect(supervisors.map(({ name }) => name)).toEqual(["supervisor"])
    expect(largest(others.map(({ bytes }) => bytes))).toBeLessThan(2_500)
    expect(largest(supervisors.map(({ bytes }) => bytes))).toBeLessThan(10_000)
    expect(contextOf(viewer.frames, "pool")).toEqual({ live: 1_000 })
  })

  it("ten thousand reports become a few frames, and the last number is told", async () => {
    const viewer = await view()
    const supervisor = await inspected(viewer.url)
    spawnAgent(supervisor, "ada")
    for (let call = 0; call < 10_000; call += 1) reportUsage(supervisor, "ada", 3)
    await viewer.until(() => contextOf(viewer.frames, "supervisor")?.dailyTokensUsed === 30_000)
    const usage = viewer.frames.filter(
      ({ type, event }) => type === "@xstate.event" && event?.type === "usage.reported",
    )
    expect(usage.length).toBeLessThan(100)
    const told = usage.map(({ event }) =>
      event?.repeated === undefined ? 1 : Number(event.repeated),
    )
    expect(told.reduce((sum, each) => sum + each, 0)).toBe(10_000)
  })
})

describe("trouble", () => {
  it("sends nothing more while the other side has too much still to read", async () => {
    const viewer = await view()
    const unread = vi.spyOn(Line.prototype, "bufferedBytes", "get").mockReturnValue(1_000_000)
    undo.push(() => unread.mockRestore())
    const supervisor = await inspected(viewer.url)
    spawnAgent(supervisor, "ada")
    await expect.poll(() => unread.mock.calls.length, { timeout: 20_000 }).toBeGreaterThan(3)
    expect(viewer.frames).toEqual([])
    unread.mockRestore()
    await viewer.until((frames) => frames.some(({ name }) => name === "ada"))
  })

  it.each(["http://localhost:8080", "localhost:8080", "", "ws://localhost:8080/#here", "ws://"])(
    "refuses %j as an address before anything starts",
    async (inspect) => {
      await expect(startSupervisor({ inspect })).rejects.toMatchObject({
        _tag: "ConfigurationError",
        message: expect.stringMatching(/inspect: found .*, expected .*ws:\/\/localhost:8080/),
      })
    },
  )

  it("runs on with one warning when nobody is there, and tells a late comer everything", async () => {
    const port = await freePort()
    const { lines, logger } = warnings()
    const supervisor = await inspected(`ws://user:secret@127.0.0.1:${port}`, logger)
    for (let index = 0; index < 300; index += 1) spawnAgent(supervisor, `agent-${index}`)
    finishAgent(supervisor, "agent-0")
    expect(supervisor.getSnapshot().context.budget.slotsTaken).toBe(299)
    const viewer = await view(port)
    await viewer.until((frames) => frames.some(({ name }) => name === "agent-299"))
    const names = viewer.frames.flatMap(({ name }) => (name?.startsWith("agent-") ? [name] : []))
    expect(names).toHaveLength(299)
    expect(names).not.toContain("agent-0")
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain("the inspector cannot be reached")
    expect(lines[0]).not.toContain("secret")
  })

  it("runs on with one warning when the connection is cut", async () => {
    const viewer = await view()
    const { lines, logger } = warnings()
    const supervisor = await inspected(viewer.url, logger)
    spawnAgent(supervisor, "ada")
    await viewer.until((frames) => frames.some(({ name }) => name === "ada"))
    viewer.stop()
    await expect.poll(() => lines.length, { timeout: 20_000 }).toBe(1)
    for (let call = 0; call < 100; call += 1) reportUsage(supervisor, "ada", 1)
    expect(supervisor.getSnapshot().context.budget.day.confirmed).toBe(100)
    expect(supervisor.getSnapshot().status).toBe("active")
    expect(lines).toHaveLength(1)
  })

  it("never throws into the interpreter: it switches itself off and says so once", async () => {
    const viewer = await view()
    const { lines, logger } = warnings()
    const inspector = await openInspector(viewer.url, logger)
    undo.push(inspector.close)
    const broken = {
      get type(): "@xstate.actor" {
        throw new Error("broken")
      },
    }
    const event = broken as InspectionEvent
    inspector.observe(event)
    inspector.observe(event)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain("switched off")
  })
})

describe("the end of the program", () => {
  it("comes after close when nobody ever was there", async () => {
    expect(await exitCodeOf(`ws://127.0.0.1:${await freePort()}`, "10", "close")).toBe(0)
  })

  it("comes after close when the other side is stuck", async () => {
    expect(await exitCodeOf(await stuckServer(), "10", "close")).toBe(0)
  })

  it("comes without close when nobody ever was there", async () => {
    expect(await exitCodeOf(`ws://127.0.0.1:${await freePort()}`, "10")).toBe(0)
  })

  it("comes without close when the other side is stuck and more waits than it can take", async () => {
    expect(await exitCodeOf(await stuckServer(), "3000")).toBe(0)
  })

  it("is preceded by all that was seen", async () => {
    const viewer = await view()
    expect(await exitCodeOf(viewer.url, "100", "close")).toBe(0)
    await viewer.until((frames) => frames.some((frame) => frame.snapshot?.status === "stopped"))
    const names = viewer.frames.flatMap(({ name }) => (name?.startsWith("agent-") ? [name] : []))
    expect(names).toHaveLength(100)
  })
})
