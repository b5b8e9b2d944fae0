import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { parseStat, procTable } from "../../src/runners/process-table/proc.ts"
import { psTable } from "../../src/runners/process-table/ps.ts"
import { identify, isSame, type ProcessTable } from "../../src/runners/process-table.ts"
import { newLauncher, newMark, printed, start } from "./commands.ts"
import { FakeProc } from "./fake-proc.ts"

let proc: FakeProc
beforeEach(() => {
  proc = new FakeProc()
})
afterEach(() => proc.remove())

const identified = (table: ProcessTable, pid: number) => {
  const identity = identify(table, pid)
  if (identity === null) throw new Error(`no process ${pid}`)
  return identity
}

describe("a line of /proc/PID/stat", () => {
  it("is read right although the program's name holds spaces and parentheses", () => {
    for (const name of ["sh", "my agent", ") R 1 1 1 (", "tmux: server (1)", "a\nb)"]) {
      proc.put({ pid: 42, ppid: 7, pgid: 40, sid: 39, startTime: 12345, name })
      expect(procTable(proc.root).find(42)).toMatchObject({
        ppid: 7,
        pgid: 40,
        sid: 39,
        state: "S",
        dead: false,
        startTime: "12345",
      })
    }
  })

  it("is nobody when it is cut short or not one", () => {
    for (const line of ["", "42", "42 (sh) S 1 2", "x (sh) S"]) expect(parseStat(line)).toBeNull()
  })
})

describe("a process", () => {
  it("is the same as long as pid, start time and boot are", () => {
    proc.put({ pid: 42, startTime: 500 })
    const identity = identified(procTable(proc.root), 42)
    expect(isSame(procTable(proc.root), identity)).toBe(true)
    proc.put({ pid: 42, startTime: 900 })
    expect(isSame(procTable(proc.root), identity)).toBe(false)
  })

  it("is another after a reboot, even with the same pid and start time", () => {
    proc.put({ pid: 42, startTime: 500 })
    const identity = identified(procTable(proc.root), 42)
    proc.boot("boot-2")
    expect(isSame(procTable(proc.root), identity)).toBe(false)
  })

  it("is dead as a zombie, but not while other threads of it run", () => {
    proc.put({ pid: 42, startTime: 500 })
    const identity = identified(procTable(proc.root), 42)
    proc.put({ pid: 42, startTime: 500, state: "Z" })
    expect(isSame(procTable(proc.root), identity)).toBe(false)
    proc.put({ pid: 42, startTime: 500, state: "Z", threads: 2 })
    expect(isSame(procTable(proc.root), identity)).toBe(true)
  })

  it("of our own is found under its real start time", () => {
    const stat = readFileSync("/proc/self/stat", "latin1")
      .replace(/^.*\) /s, "")
      .split(" ")
    expect(identify(procTable(), process.pid)).toMatchObject({
      pid: process.pid,
      startTime: stat[19],
      bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    })
  })
})

describe("the time since boot", () => {
  it("is a whole number of the ticks that start times are told in", () => {
    const table = procTable(proc.root)
    for (let ticks = 0; ticks <= 200; ticks += 1) {
      proc.uptime(ticks / 100)
      expect(table.now()).toBe(ticks)
    }
  })
})

describe("a table that cannot be read", () => {
  it("throws instead of showing nobody", () => {
    const table = procTable(proc.root)
    mkdirSync(join(proc.root, "42/stat"), { recursive: true })
    expect(() => table.snapshot()).toThrow(/EISDIR/)
    expect(() => table.find(42)).toThrow(/EISDIR/)
    proc.remove()
    expect(() => table.snapshot()).toThrow(/ENOENT/)
    const broken = psTable("linux", () => "")
    expect(() => broken.snapshot()).toThrow(/ps/)
    proc = new FakeProc()
  })
})

describe("tags", () => {
  it("are found in the environment, each word of the path", () => {
    proc.put({ pid: 42, startTime: 1, env: { PATH: "/bin", STINT_TREE: "outer:in%3Aner" } })
    proc.put({ pid: 43, startTime: 1, env: { OTHER_STINT_TREE: "outer" } })
    const snapshot = procTable(proc.root).snapshot()
    expect([...snapshot.tagged("outer")]).toEqual([42])
    expect([...snapshot.tagged("in:ner")]).toEqual([42])
    expect([...snapshot.tagged("in")]).toEqual([])
  })

  it("are seen once a young process has run its own program", () => {
    const table = procTable(proc.root)
    proc.put({ pid: 42, startTime: 99_950 })
    expect(table.snapshot().tagged("tree").size).toBe(0)
    proc.put({ pid: 42, startTime: 99_950, env: { STINT_TREE: "tree" } })
    expect([...table.snapshot().tagged("tree")]).toEqual([42])
  })

  it("belong to the process, not to its pid", () => {
    const table = procTable(proc.root)
    proc.put({ pid: 42, startTime: 1, env: { STINT_TREE: "tree" } })
    expect(table.snapshot().tagged("tree").size).toBe(1)
    proc.put({ pid: 42, startTime: 2 })
    expect(table.snapshot().tagged("tree").size).toBe(0)
  })
})

describe("ps, where there is no /proc", () => {
  it("shows the same processes and tags as /proc", async () => {
    const mark = newMark()
    const command = await start(newLauncher(), "deaf.sh", mark)
    await printed(command, "ready")
    const { pid } = command.identity
    const fromPs = psTable()
    const fromProc = procTable()
    const { ppid, pgid, dead } = fromProc.find(pid) ?? {}
    expect(fromPs.find(pid)).toMatchObject({ pid, ppid, pgid, dead })
    expect(fromPs.snapshot().entries.get(pid)).toMatchObject({ pid, ppid, pgid, dead })
    expect(fromPs.snapshot().tagged(`tree-${mark}`).has(pid)).toBe(true)
    expect(isSame(fromPs, identified(fromPs, pid))).toBe(true)
    await command.killTree()
    expect(fromPs.find(pid)?.dead ?? true).toBe(true)
  })

  it("is enough to empty a tree with strays", async () => {
    const mark = newMark()
    const command = await start(newLauncher({ table: psTable() }), "escapee.sh", mark)
    await printed(command, "ready")
    expect(await command.killTree()).toEqual({ reaped: true })
  })

  it("is asked on macOS for what its ps can show", () => {
    const asked: string[] = []
    const table = psTable("darwin", (command, args) => {
      asked.push([command, ...args].join(" "))
      if (command === "sysctl") return "5F2A-BOOT\n"
      return args.includes("-E")
        ? "  501 /bin/zsh -l STINT_TREE=tree HOME=/Users/me\n"
        : "  501   400   501 Ss   Thu Nov 23 20:35:01 2023\n  502   501   501 Z    Thu Nov 23 20:35:02 2023\n"
    })
    expect(table.bootId).toBe("5F2A-BOOT")
    const snapshot = table.snapshot()
    expect([...snapshot.entries.values()].map(({ pid, dead }) => [pid, dead])).toEqual([
      [501, false],
      [502, true],
    ])
    expect([...snapshot.tagged("tree")]).toEqual([501])
    expect(asked).toContain("ps -A -o pid=,ppid=,pgid=,stat=,lstart=")
  })
})
