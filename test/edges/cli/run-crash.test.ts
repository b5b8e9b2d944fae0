/** Whatever dies, and in whatever order: nobody is left alive, nothing acknowledged is lost. */
import { describe, expect, it } from "vitest"
import type { Row } from "../../../machines/budget/row.ts"
import { openSqliteLedger } from "../../../src/ledger/sqlite.ts"
import { type SeededRandom, seededRandom } from "../../ledger/seeded-random.ts"
import { eventually, isAlive, nobodyLeft } from "../../runners/proc-reader.ts"
import {
  agentsAlive,
  guardOf,
  newPlace,
  type Place,
  planOf,
  run,
  startRun,
} from "./stint-process.ts"

/** Left alone for ten seconds, no longer. */
const WITHIN_MS = 10_000
const ROUNDS = Number(process.env.STINT_KILL_ROUNDS ?? 20)

const kill = (pid: number | undefined): void => {
  if (pid !== undefined && isAlive(pid)) process.kill(pid, "SIGKILL")
}

/** One that prints a call now and then, has a child, and one child in a session of its own. */
const AGENT = `
(trap '' TERM; setsid sh -c 'while :; do sleep 0.2; done') &
sleep 300 &
i=0
while :; do
  i=$((i+1))
  echo '{"type":"stint.usage","id":"call-'$i'","inputTokens":10,"outputTokens":1}'
  sleep 0.02
done`

const plan = (place: Place): string =>
  place.file(
    "plan.yaml",
    planOf(["a", "b"].map((id) => ({ id, command: AGENT, limits: { graceSeconds: 0.5 } }))),
  )

const rowsOf = async (place: Place): Promise<readonly Row[]> => {
  const ledger = await openSqliteLedger(place.ledger)
  const rows: Row[] = []
  for await (const row of ledger.rows({ fromSeq: 1 })) rows.push(row)
  await ledger.close()
  return rows
}

const keysOf = (rows: readonly Row[], kind: Row["kind"]): readonly string[] =>
  rows.flatMap((row) => (row.kind === kind && "key" in row ? [String(row.key)] : []))

const startAgents = async (place: Place) => {
  const stint = startRun(place, [plan(place)])
  for (const line of [/^a \| .*call-3"/m, /^b \| .*call-3"/m]) await stint.shows(line)
  return stint
}

describe("kill -9, with no second command", () => {
  it("of Stint: its guard ends every tree", async () => {
    const place = newPlace()
    const stint = await startAgents(place)
    kill(stint.pid)
    await nobodyLeft(place.mark, WITHIN_MS)
  })

  it("of the guard: Stint goes on, and has another one", async () => {
    const place = newPlace()
    const stint = await startAgents(place)
    const first = guardOf(stint.pid)
    kill(first)
    await eventually(() => guardOf(stint.pid) !== undefined && guardOf(stint.pid) !== first)
    kill(stint.pid)
    await nobodyLeft(place.mark, WITHIN_MS)
  })

  it("of a child and Stint at once", async () => {
    const place = newPlace()
    const stint = await startAgents(place)
    kill(agentsAlive(place.mark)[0]?.pid)
    kill(stint.pid)
    await nobodyLeft(place.mark, WITHIN_MS)
  })
})

describe("kill -9 of Stint and its guard at once", () => {
  it("leaves agents to the next run, which ends them before it admits anybody", async () => {
    const place = newPlace()
    const stint = await startAgents(place)
    const guard = guardOf(stint.pid)
    process.kill(stint.pid, "SIGSTOP")
    kill(guard)
    kill(stint.pid)
    expect(agentsAlive(place.mark).length).toBeGreaterThan(0)
    const next = await run(place, ["--id", "next", "--", "sh", "-c", "echo up"], "", {
      FIXTURE_MARK: "another",
    })
    expect(next).toMatchObject({ status: 0, stdout: Buffer.from("up\n") })
    await nobodyLeft(place.mark, 0)
    const ends = (await rowsOf(place)).filter((row) => row.kind === "ended")
    expect(ends.map((row) => row.reason)).toEqual(["lost", "lost", "completed"])
  })
})

describe("random kills at random moments", () => {
  it(`${ROUNDS} rounds: no orphan, no lost acknowledgement, exactly one end each`, {
    timeout: ROUNDS * 20_000,
  }, async () => {
    const place = newPlace()
    const random = seededRandom()
    let acknowledged = new Set<number>()
    const seen: string[] = []
    for (let round = 0; round < ROUNDS; round += 1) {
      seen.push(...(await oneRound(place, random)))
      const rows = await rowsOf(place)
      const seqs = new Set(rows.flatMap((row) => ("key" in row ? [row.seq] : [])))
      // What one start could read, no later crash may take away.
      expect(
        [...acknowledged].filter((seq) => !seqs.has(seq)),
        random.seed,
      ).toEqual([])
      acknowledged = seqs
    }
    await run(place, ["--", "true"])
    const rows = await rowsOf(place)
    const ended = keysOf(rows, "ended")
    expect(new Set(ended).size).toBe(ended.length)
    expect([...ended].sort()).toEqual([...keysOf(rows, "admitted")].sort())
    // Whoever had printed a line had been admitted, and no row of that may be missing.
    for (const id of ["a", "b"]) {
      const admitted = rows.filter((row) => row.kind === "admitted" && row.agentId === id)
      expect(admitted.length).toBeGreaterThanOrEqual(seen.filter((name) => name === id).length)
    }
    expect(seen.length).toBeGreaterThan(ROUNDS / 2)
  })
})

/** Any of the start, the run and the end is hit; the guard with it, or not. Returns who was seen. */
const oneRound = async (place: Place, random: SeededRandom): Promise<readonly string[]> => {
  const stint = startRun(place, [plan(place)])
  const lines = random.below(30)
  const isThere = (): boolean =>
    lines > 0 ? stint.stdout.split("\n").length > lines : guardOf(stint.pid) !== undefined
  await eventually(() => isThere() || !isAlive(stint.pid))
  if (random.below(5) === 0) stint.process.kill("SIGTERM")
  const guardToo = random.below(3) === 0
  if (guardToo) kill(guardOf(stint.pid))
  kill(stint.pid)
  await stint.ended
  // With the guard dead as well, the next start is who ends them.
  if (guardToo) await run(place, ["--id", "next", "--", "true"])
  await nobodyLeft(place.mark, WITHIN_MS)
  return ["a", "b"].filter((id) => stint.stdout.includes(`${id} | `))
}
