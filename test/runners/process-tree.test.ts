/** Who belongs to a tree, on a made-up `/proc`: what real kernels do only once in a long while. */
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { procTable } from "../../src/runners/process-table/proc.ts"
import { processTree, type TreeRecord } from "../../src/runners/process-tree.ts"
import { type Kill, signaller } from "../../src/runners/signals.ts"
import { Sweeper } from "../../src/runners/sweeper.ts"
import { signalTree } from "../../src/runners/tree-signals.ts"
import { FakeProc } from "./fake-proc.ts"

let proc: FakeProc
beforeEach(() => {
  proc = new FakeProc()
  proc.put({ pid: 1, ppid: 0, startTime: 1 })
  proc.put({ pid: process.pid, ppid: 77, pgid: 70, sid: 70, startTime: 100 })
  proc.put({ pid: 77, ppid: 1, pgid: 70, sid: 70, startTime: 90 })
})
afterEach(() => proc.remove())

const LEADER = 500
const leader = { pid: LEADER, startTime: "2000", bootId: "boot-1" }
const treeOf = (more: Partial<TreeRecord> = {}) => {
  const table = procTable(proc.root)
  const tree = processTree(table, { tag: "tree", leader, ...more })
  const pids = (): number[] => tree.look(table.snapshot()).members.map(({ pid }) => pid)
  return { table, tree, pids: () => pids().sort((a, b) => a - b) }
}
const putLeader = () => proc.put({ pid: LEADER, ppid: process.pid, startTime: 2000 })

describe("a tree claims", () => {
  it("its leader, the leader's session, descendants and whoever carries its tag", () => {
    putLeader()
    proc.put({ pid: 501, ppid: 1, pgid: 501, sid: LEADER, startTime: 2001 })
    proc.put({ pid: 502, ppid: LEADER, startTime: 2002 })
    proc.put({ pid: 503, ppid: 502, startTime: 2003 })
    proc.put({ pid: 504, startTime: 2004, env: { STINT_TREE: "outer:tree" } })
    proc.put({ pid: 505, ppid: 504, startTime: 2005 })
    proc.put({ pid: 600, startTime: 2006 })
    expect(treeOf().pids()).toEqual([500, 501, 502, 503, 504, 505])
  })

  it("a descendant for ever once it was seen with its parent", () => {
    putLeader()
    proc.put({ pid: 502, ppid: LEADER, startTime: 2002 })
    const { pids } = treeOf()
    expect(pids()).toEqual([500, 502])
    proc.end(LEADER)
    proc.put({ pid: 502, ppid: 1, startTime: 2002 })
    expect(pids()).toEqual([502])
  })

  it("what was in the session before its leader ended, and after that while one of those is seen", () => {
    putLeader()
    const { pids, tree } = treeOf()
    expect(pids()).toEqual([500])
    proc.put({ pid: 501, ppid: 1, pgid: LEADER, sid: LEADER, startTime: 2500 })
    proc.uptime(30)
    proc.end(LEADER)
    tree.leaderEnded()
    proc.put({ pid: 502, ppid: 1, pgid: LEADER, sid: LEADER, startTime: 4000 })
    expect(pids()).toEqual([501])
    expect(pids()).toEqual([501, 502])
  })

  it("the session of a leader that is a zombie", () => {
    proc.put({ pid: LEADER, startTime: 2000, state: "Z" })
    proc.put({ pid: 501, ppid: 1, pgid: LEADER, sid: LEADER, startTime: 2500 })
    expect(treeOf().pids()).toEqual([501])
  })
})

describe("a tree never claims", () => {
  it("ourselves, our ancestors or PID 1, whatever they carry", () => {
    const env = { STINT_TREE: "tree" }
    proc.put({ pid: 1, ppid: 0, startTime: 1, env })
    proc.put({ pid: 77, ppid: 1, startTime: 90, env })
    proc.put({ pid: process.pid, ppid: 77, startTime: 100, env })
    expect(treeOf().pids()).toEqual([])
  })

  it("a stranger that got the leader's pid, nor the stranger's session and children", () => {
    proc.put({ pid: LEADER, startTime: 9000 })
    proc.put({ pid: 501, ppid: LEADER, pgid: LEADER, sid: LEADER, startTime: 9001 })
    expect(treeOf().pids()).toEqual([])
  })

  it("a session that was made anew under the leader's number, though its own leader is gone", () => {
    const { tree, pids } = treeOf()
    proc.uptime(30)
    tree.leaderEnded()
    proc.put({ pid: 501, ppid: 1, pgid: LEADER, sid: LEADER, startTime: 9001 })
    expect(pids()).toEqual([])
  })

  it("a stranger that got the pid of a descendant", () => {
    putLeader()
    proc.put({ pid: 502, ppid: LEADER, startTime: 2002 })
    const { pids } = treeOf()
    pids()
    proc.put({ pid: 502, ppid: 1, startTime: 9002 })
    expect(pids()).toEqual([500])
  })

  it("anyone after a reboot", () => {
    putLeader()
    proc.put({ pid: 501, ppid: LEADER, startTime: 2001, env: { STINT_TREE: "tree" } })
    proc.boot("boot-2")
    expect(treeOf().pids()).toEqual([])
  })

  it("our own group, when its leader stays in the terminal's foreground", () => {
    proc.put({ pid: LEADER, ppid: process.pid, pgid: 70, sid: 70, startTime: 2000 })
    proc.put({ pid: 71, ppid: 77, pgid: 70, sid: 70, startTime: 2001 })
    expect(treeOf().pids()).toEqual([500])
  })
})

describe("a signal", () => {
  const sent: [number, string][] = []
  const kill: Kill = (pid, signal) => {
    sent.push([pid, signal])
  }
  beforeEach(() => {
    sent.length = 0
  })

  it("reaches the group as one and strays singly", () => {
    putLeader()
    proc.put({ pid: 501, ppid: LEADER, pgid: LEADER, sid: LEADER, startTime: 2001 })
    proc.put({ pid: 502, ppid: LEADER, startTime: 2002 })
    const { table, tree } = treeOf()
    const { members } = tree.look(table.snapshot())
    signalTree(signaller(table, kill), { tree, members }, "SIGTERM")
    expect(sent).toEqual([
      [-LEADER, "SIGTERM"],
      [502, "SIGTERM"],
    ])
  })

  it("reaches nobody when each pid has a new owner since the look", () => {
    putLeader()
    proc.put({ pid: 502, ppid: LEADER, startTime: 2002 })
    const { table, tree } = treeOf()
    const { members } = tree.look(table.snapshot())
    proc.put({ pid: LEADER, startTime: 9000 })
    proc.put({ pid: 502, startTime: 9001 })
    signalTree(signaller(table, kill), { tree, members }, "SIGKILL")
    expect(sent).toEqual([])
  })

  it("never goes to our own group, to every process, or to PID 1", () => {
    const { table } = treeOf()
    const send = signaller(table, kill)
    const [init, self] = [table.find(1), table.find(process.pid)]
    if (init === null || self === null) throw new Error("no process")
    expect(send.toProcess(init, "SIGKILL")).toBe("denied")
    expect(send.toProcess(self, "SIGKILL")).toBe("denied")
    for (const pgid of [0, 1, 70]) expect(send.toGroup(pgid, self, "SIGKILL")).toBe("denied")
    expect(sent).toEqual([])
  })
})

describe("a kill", () => {
  const sweep = (kill: Kill, table = procTable(proc.root)) => {
    const sweeper = new Sweeper({ table, signaller: signaller(table, kill) })
    return sweeper.add(processTree(table, { tag: "tree", leader })).kill()
  }

  it("stops parents before it kills them, so that a child born meanwhile is still found", async () => {
    putLeader()
    const died: number[] = []
    const kill: Kill = (target, signal) => {
      const pid = Math.abs(target)
      if (signal === "SIGSTOP" && pid === LEADER) {
        proc.put({ pid: 501, ppid: LEADER, startTime: 2001 })
      }
      if (signal === "SIGSTOP" && pid === 501) proc.put({ pid: 502, ppid: 501, startTime: 2002 })
      if (signal !== "SIGKILL") return
      died.push(pid)
      proc.end(pid)
      // What a dead parent leaves behind no longer shows whose it was.
      if (pid < 502 && !died.includes(pid + 1))
        proc.put({ pid: pid + 1, ppid: 1, startTime: pid + 1501 })
    }
    expect(await sweep(kill)).toEqual({ reaped: true })
    expect(died).toEqual([LEADER, 501, 502])
  })

  it("does not believe a single look that finds nobody", async () => {
    const table = procTable(proc.root)
    proc.put({ pid: 501, startTime: 2001, env: { STINT_TREE: "tree" } })
    let looks = 0
    const blink = {
      ...table,
      snapshot: () => {
        looks += 1
        const snapshot = table.snapshot()
        return looks === 1
          ? { ...snapshot, entries: new Map(), tagged: () => new Set<number>() }
          : snapshot
      },
    }
    const kill: Kill = (target, signal) => {
      if (signal === "SIGKILL") proc.end(Math.abs(target))
    }
    expect(await sweep(kill, blink)).toEqual({ reaped: true })
    expect(table.find(501)).toBeNull()
  })
})

describe("a process that cannot be killed", () => {
  it("is reported with its pid, tried again slowly, and reaped when it ends at last", async () => {
    putLeader()
    const table = procTable(proc.root)
    let attempts = 0
    const kill: Kill = (_, signal) => {
      if (signal === "SIGKILL") attempts += 1
    }
    const paces = { killMs: 50, retryMs: 30, endingFirstMs: 5, endingLastMs: 5 }
    const sweeper = new Sweeper({ table, signaller: signaller(table, kill), paces })
    const { tree } = treeOf()
    const swept = sweeper.add(tree)
    expect(await swept.kill()).toEqual({ reaped: false, unkillable: [LEADER] })
    const before = attempts
    while (attempts === before) await new Promise((resolve) => setTimeout(resolve, 5))
    proc.end(LEADER)
    await swept.reaped
    sweeper.close()
  })

  it("is told from a table that could not be read: that empties no tree", async () => {
    putLeader()
    const real = procTable(proc.root)
    let failures = 0
    const table = {
      ...real,
      snapshot: () => {
        if (failures >= 3) return real.snapshot()
        failures += 1
        throw new Error("EMFILE")
      },
    }
    const kill: Kill = (_, signal) => {
      if (signal === "SIGKILL") proc.end(LEADER)
    }
    const sweeper = new Sweeper({ table, signaller: signaller(table, kill), paces: { retryMs: 5 } })
    const swept = sweeper.add(processTree(table, { tag: "tree", leader }))
    expect(await swept.kill()).toEqual({ reaped: true })
    expect(failures).toBe(3)
    expect(real.find(LEADER)).toBeNull()
    sweeper.close()
  })
})
