/** The steps of the ladder, on a made-up `/proc` and with a `kill` that only writes down. */
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { climb, killLadder, type LadderOptions } from "../../src/runners/kill-ladder.ts"
import { procTable } from "../../src/runners/process-table/proc.ts"
import { processTree } from "../../src/runners/process-tree.ts"
import { type Kill, signaller } from "../../src/runners/signals.ts"
import { Sweeper } from "../../src/runners/sweeper.ts"
import { FakeProc } from "./fake-proc.ts"

let proc: FakeProc
let sweeper: Sweeper
let looks = 0
let effect: Kill = () => {}
const sent: [number, string][] = []

beforeEach(() => {
  proc = new FakeProc()
  looks = 0
  effect = () => {}
  sent.length = 0
  const real = procTable(proc.root)
  const table = {
    ...real,
    snapshot: () => {
      looks += 1
      return real.snapshot()
    },
  }
  const send = signaller(table, (pid, signal) => {
    sent.push([pid, signal])
    effect(pid, signal)
  })
  sweeper = new Sweeper({ table, signaller: send })
  ladder = (pid, options = {}) => {
    proc.put({ pid, startTime: 2000 })
    const leader = { pid, startTime: "2000", bootId: "boot-1" }
    const tree = processTree(table, { tag: `tree-${pid}`, leader })
    return killLadder(sweeper.add(tree), { signaller: send, ...options })
  }
})
afterEach(() => {
  sweeper.close()
  proc.remove()
})
let ladder: (pid: number, options?: Partial<LadderOptions>) => ReturnType<typeof killLadder>

describe("a request to stop", () => {
  it("is SIGTERM, or the profile's signal, or the one named; and wakes in any case", () => {
    ladder(500).requestStop()
    ladder(600, { stopSignal: "SIGINT" }).requestStop()
    ladder(700, { stopSignal: "SIGINT" }).requestStop("SIGHUP")
    // The second and third are born after the first was looked at, in the same turn.
    expect(sent).toEqual([
      [-500, "SIGTERM"],
      [-500, "SIGCONT"],
      [-600, "SIGINT"],
      [-600, "SIGCONT"],
      [-700, "SIGHUP"],
      [-700, "SIGCONT"],
    ])
  })

  it("spares the wrapper of a contained tree", () => {
    const contained = ladder(500, { contained: true })
    proc.put({ pid: 501, ppid: 500, pgid: 500, sid: 500, startTime: 2001 })
    contained.requestStop()
    expect(sent).toEqual([
      [501, "SIGTERM"],
      [501, "SIGCONT"],
    ])
  })

  it("of many trees in one turn takes one pass over the process table", () => {
    const many = [500, 600, 700, 800].map((pid) => ladder(pid))
    for (const each of many) each.requestStop()
    expect(sent).toHaveLength(8)
    expect(looks).toBe(1)
  })
})

describe("the whole ladder", () => {
  it("kills nobody who ends within the grace", async () => {
    effect = (_, signal) => {
      if (signal === "SIGTERM") proc.end(500)
    }
    expect(await climb(ladder(500), 60_000)).toEqual({ reaped: true })
    expect(sent.map(([, signal]) => signal)).not.toContain("SIGKILL")
  })

  it("kills who does not", async () => {
    effect = (_, signal) => {
      if (signal === "SIGKILL") proc.end(500)
    }
    expect(await climb(ladder(500), 20)).toEqual({ reaped: true })
    expect(sent.at(0)).toEqual([-500, "SIGTERM"])
    expect(sent.at(-1)).toEqual([-500, "SIGKILL"])
  })
})
