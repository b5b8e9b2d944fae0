/** Several terminals, one day: real runs on one ledger, ended in every way a run can end. */
import { existsSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { Row } from "../../machines/budget/row.ts"
import type { Summary } from "../../machines/budget/summary.ts"
import { openSqliteReader } from "../../src/ledger/sqlite/reader.ts"
import {
  agentsAlive,
  newPlace,
  type Place,
  run,
  STINT,
  StintProcess,
  startRun,
} from "../edges/cli/stint-process.ts"
import { eventually, nobodyLeft } from "../runners/proc-reader.ts"

/** Prints 100 calls of 11 tokens, waits for `go`, prints 100 more. */
const AGENT = `
i=0
print() {
  while [ $i -lt $1 ]; do
    i=$((i+1))
    echo '{"type":"stint.usage","id":"call-'$i'","inputTokens":10,"outputTokens":1}'
  done
}
print 100
while [ ! -e go ]; do sleep 0.05; done
print 200`

const CALLS = 200
const TOKENS = CALLS * 11

const start = (place: Place, id: string, words: readonly string[] = []): StintProcess =>
  startRun(place, [
    "--id",
    id,
    "--summary",
    place.path(`${id}.json`),
    ...words,
    "--",
    "sh",
    "-c",
    AGENT,
  ])

const go = (place: Place): unknown => place.file("go", "")

const status = async (place: Place): Promise<Summary> => {
  const words = [...STINT, "status", "--json", "--ledger", place.ledger]
  const { stdout } = await new StintProcess(words, place).ended
  return JSON.parse(stdout.toString("utf8"))
}

/** Polls the standing until it is as wanted. */
const stands = async (place: Place, wanted: (summary: Summary) => boolean): Promise<Summary> => {
  const deadline = performance.now() + 30_000
  for (;;) {
    const summary = await status(place)
    if (wanted(summary)) return summary
    if (performance.now() > deadline) throw new Error(JSON.stringify(summary, null, 1))
  }
}

const agentIn = (summary: Summary, id: string) =>
  summary.agentUsage.find(({ agentId }) => agentId === id)

const counted = (id: string, tokens: number) => (summary: Summary) =>
  agentIn(summary, id)?.totalTokens === tokens

const rowsOf = async (place: Place): Promise<readonly Row[]> => {
  const reader = await openSqliteReader(place.ledger)
  const rows: Row[] = []
  for await (const row of reader?.rows({ fromSeq: 1 }) ?? []) rows.push(row)
  reader?.close()
  return rows
}

/** By agent name: how often it ended, with what, and the calls counted for it. */
const reckoned = async (place: Place) => {
  const rows = await rowsOf(place)
  const admitted = rows.filter((row) => row.kind === "admitted")
  return Object.fromEntries(
    admitted.map(({ key, agentId }) => [
      agentId,
      {
        ends: rows.flatMap((row) => (row.kind === "ended" && row.key === key ? [row.reason] : [])),
        calls: rows.filter((row) => row.kind === "usage_recorded" && row.key === key).length,
      },
    ]),
  )
}

const half = (place: Place, ids: readonly string[]) =>
  stands(place, (summary) => ids.every((id) => counted(id, TOKENS / 2)(summary)))

const summaryOf = (place: Place, id: string): Summary => JSON.parse(place.read(`${id}.json`))

describe("two terminals", () => {
  it("share one day: 400 reports of two runs add up exactly", async () => {
    const place = newPlace()
    const a = start(place, "a")
    await half(place, ["a"])
    const b = start(place, "b")
    await half(place, ["a", "b"])
    go(place)
    const [endA, endB] = await Promise.all([a.ended, b.ended])
    expect([endA.status, endB.status]).toEqual([0, 0])
    expect(await status(place)).toMatchObject({ dailyTokensUsed: 2 * TOKENS, activeAgents: 0 })
    expect(await reckoned(place)).toEqual({
      a: { ends: ["completed"], calls: CALLS },
      b: { ends: ["completed"], calls: CALLS },
    })
    expect(existsSync(`${place.ledger}.sock`)).toBe(false)
  })

  it("share one count of slots: the third agent waits for one", async () => {
    const place = newPlace()
    const a = start(place, "a", ["--max-concurrent-agents", "2"])
    await half(place, ["a"])
    const b = start(place, "b")
    await half(place, ["a", "b"])
    const c = start(place, "c")
    await c.shows(/its limits apply \(\d+ tokens, 2 agents\)/)
    expect(agentIn(await status(place), "c")).toBeUndefined()
    go(place)
    for (const { ended } of [a, b, c]) expect((await ended).status).toBe(0)
    const rows = await rowsOf(place)
    const at = (kind: Row["kind"], nth: number) =>
      rows.filter((row) => row.kind === kind)[nth]?.seq ?? 0
    expect(at("admitted", 2)).toBeGreaterThan(at("ended", 0))
  })

  it("stop an agent of the other, and only that one", async () => {
    const place = newPlace()
    const a = start(place, "a")
    await half(place, ["a"])
    const b = start(place, "b")
    await half(place, ["a", "b"])
    const stop = (id: string) =>
      new StintProcess([...STINT, "stop", "--ledger", place.ledger, id], place).ended
    expect(await stop("nobody")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("no agent of that name lives; a, b do"),
    })
    expect((await stop("b")).status).toBe(0)
    expect(await b.ended).toMatchObject({ status: 143 })
    go(place)
    expect((await a.ended).status).toBe(0)
    expect(await reckoned(place)).toMatchObject({
      a: { ends: ["completed"] },
      b: { ends: ["cancelled"] },
    })
  })
})

describe("a handover", () => {
  it("after kill -9 of the holder stops no other agent, and every call counts once", async () => {
    const place = newPlace()
    const a = start(place, "a", ["--daily-token-limit", "900000"])
    await half(place, ["a"])
    const [b, c] = [start(place, "b"), start(place, "c")]
    await half(place, ["a", "b", "c"])
    process.kill(a.pid, "SIGKILL")
    // Read by the new holder, which is one of the two, or it would not say that `a` is lost.
    await stands(place, (summary) => agentIn(summary, "a")?.state === "ended")
    go(place)
    const ends = await Promise.all([b.ended, c.ended])
    expect(ends.map((end) => end.status)).toEqual([0, 0])
    expect(await reckoned(place)).toEqual({
      a: { ends: ["lost"], calls: CALLS / 2 },
      b: { ends: ["completed"], calls: CALLS },
      c: { ends: ["completed"], calls: CALLS },
    })
    // The limits in force stay those of the day's first run.
    expect(summaryOf(place, "b")).toMatchObject({ dailyTokenLimit: 900_000 })
    await nobodyLeft(place.mark)
  })

  it("counts what was reported while nobody held the ledger", async () => {
    const place = newPlace()
    const a = start(place, "a")
    await half(place, ["a"])
    const b = start(place, "b")
    await half(place, ["a", "b"])
    process.kill(a.pid, "SIGKILL")
    go(place)
    expect((await b.ended).status).toBe(0)
    expect(await reckoned(place)).toMatchObject({ b: { ends: ["completed"], calls: CALLS } })
  })

  it("after Ctrl-C at the holder stops the holder's own agents only", async () => {
    const place = newPlace()
    const a = start(place, "a")
    await half(place, ["a"])
    const b = start(place, "b")
    await half(place, ["a", "b"])
    process.kill(a.pid, "SIGTERM")
    expect((await a.ended).status).toBe(143)
    go(place)
    expect((await b.ended).status).toBe(0)
    expect(await reckoned(place)).toMatchObject({
      a: { ends: ["cancelled"] },
      b: { ends: ["completed"], calls: CALLS },
    })
  })

  it("keeps an agent's deadline", async () => {
    const place = newPlace()
    const a = start(place, "a", ["--max-task-duration-minutes", "0.2"])
    await half(place, ["a"])
    const b = start(place, "b")
    await half(place, ["a", "b"])
    const before = agentIn(await status(place), "b")?.deadlineAt
    process.kill(a.pid, "SIGKILL")
    expect(await b.ended).toMatchObject({ status: 124 })
    const ended = agentIn(summaryOf(place, "b"), "b")
    expect(ended).toMatchObject({ deadlineAt: before, reason: "duration_limit" })
  })
})

describe("kill -9", () => {
  it("of an attached run: its tree dies, its agent ends lost, and its slot is free", async () => {
    const place = newPlace()
    const a = start(place, "a", ["--max-concurrent-agents", "2"])
    await half(place, ["a"])
    const other = { ...newPlace(), ledger: place.ledger }
    const b = start(other, "b")
    await half(place, ["a", "b"])
    process.kill(b.pid, "SIGKILL")
    await nobodyLeft(other.mark)
    const summary = await stands(place, (now) => agentIn(now, "b")?.state === "ended")
    expect(agentIn(summary, "b")).toMatchObject({ reason: "lost", totalTokens: TOKENS / 2 })
    expect(summary.activeAgents).toBe(1)
    go(place)
    expect((await a.ended).status).toBe(0)
  })

  it("of both at once: nobody lives, both end lost once, nothing acknowledged is missing", async () => {
    const place = newPlace()
    const a = start(place, "a")
    await half(place, ["a"])
    const b = start(place, "b")
    await half(place, ["a", "b"])
    process.kill(a.pid, "SIGKILL")
    process.kill(b.pid, "SIGKILL")
    await nobodyLeft(place.mark)
    expect((await run(place, ["--id", "c", "--", "true"])).status).toBe(0)
    expect(await reckoned(place)).toMatchObject({
      a: { ends: ["lost"], calls: CALLS / 2 },
      b: { ends: ["lost"], calls: CALLS / 2 },
      c: { ends: ["completed"] },
    })
  })
})

describe("stint status", () => {
  it("before any ledger exists prints zeros and makes none", async () => {
    const place = newPlace()
    expect(await status(place)).toMatchObject({ dailyTokensUsed: 0, agentUsage: [] })
    expect(existsSync(place.ledger)).toBe(false)
  })

  it("knows who waits and who lives, from any terminal", async () => {
    const place = newPlace()
    const a = start(place, "a")
    await half(place, ["a"])
    const words = [...STINT, "status", "--ledger", place.ledger]
    const { stdout } = await new StintProcess(words, place).ended
    expect(stdout.toString("utf8")).toMatch(/1 running.*0 queued[\s\S]*process \d+ holds/)
    go(place)
    await a.ended
    await eventually(() => agentsAlive(place.mark).length === 0)
  })
})
