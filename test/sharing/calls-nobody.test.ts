/** Whoever has nobody to answer for them spends nothing: leaked orphans, and runs without a holder. */
import { existsSync } from "node:fs"
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest"
import { LedgerUnavailable } from "../../src/ledger/ledger.ts"
import { openLedger } from "../../src/sharing/open-ledger.ts"
import { newPlace, type Place, planOf, startRun } from "../edges/cli/stint-process.ts"
import { type ModelServer, startModelServer } from "../gateway/model-server.ts"
import { eventually } from "../runners/proc-reader.ts"
import { agentIn, fixture, stands, startCaller, upstreamsOf } from "./calling-runs.ts"

let models: ModelServer
beforeEach(async () => {
  models = await startModelServer()
})
afterEach(() => models.close())

/** Leaves a child with neither parent, group, session nor tag of its tree. */
const LEAK = `(setsid env -u STINT_TREE '${process.execPath}' --no-warnings '${fixture("orphan.ts")}' one two &)
while [ ! -e orphan.lives ]; do sleep 0.02; done`

const plan = (place: Place): string => {
  const agent = "anthropic-sdk"
  const stay = "while [ ! -e go ]; do sleep 0.05; done"
  const agents = [
    { id: "leaks", agent, command: LEAK },
    { id: "stays", agent, command: stay },
  ]
  return place.file("plan.yaml", planOf(agents))
}

describe("an orphan that kept address and key", () => {
  it.each(["has ended", "was killed"])(
    "is refused after its agent's end, and finds nobody after Stint %s",
    async (how) => {
      const place = newPlace()
      const said = (file: string): string => {
        place.file(file, "")
        return file
      }
      const heard = async (file: string): Promise<string> => {
        await eventually(() => existsSync(place.path(`${file}.said`)))
        return place.read(`${file}.said`)
      }
      const stint = startRun(place, [plan(place)], upstreamsOf(models))
      await stands(place, (summary) => agentIn(summary, "leaks")?.state === "ended")
      expect(await heard(said("one"))).toMatch(/^401 .*"authentication_error".*belongs to no agent/)
      if (how === "has ended") place.file("go", "")
      else stint.process.kill("SIGKILL")
      await stint.ended
      expect(await heard(said("two"))).toBe("ECONNREFUSED")
      expect(models.calls).toEqual([])
    },
  )
})

/** The holder stands still, and comes back after the call was given up. */
const silentHolder = async (): Promise<void> => {
  const place = newPlace()
  const a = startCaller("a", { place, models, gate: place.path("never") })
  await stands(place, (summary) => agentIn(summary, "a")?.state === "running")
  const b = startCaller("b", { place, models, gate: place.path("go") })
  await stands(place, (summary) => agentIn(summary, "b")?.state === "running")
  process.kill(a.pid, "SIGSTOP")
  place.file("go", "")
  await b.shows(/b: 402 .*ledger_unavailable/, 60_000)
  process.kill(a.pid, "SIGCONT")
  expect((await b.ended).status).toBe(1)
  // What it granted when it came back was taken back by then.
  const summary = await stands(place, (now) => agentIn(now, "b")?.state === "ended")
  expect(summary).toMatchObject({ dailyTokensUsed: 0, uncertainTokens: 0 })
  expect(agentIn(summary, "b")).toMatchObject({ reason: "failed", heldTokens: 0 })
}

/** The holder dies, and what holds the ledger then listens to nobody. */
const lostHolder = async (): Promise<void> => {
  const place = newPlace()
  const a = startCaller("a", { place, models, gate: place.path("never") })
  await stands(place, (summary) => agentIn(summary, "a")?.state === "running")
  const b = startCaller("b", { place, models, gate: place.path("go") })
  await stands(place, (summary) => agentIn(summary, "b")?.state === "running")
  process.kill(b.pid, "SIGSTOP")
  process.kill(a.pid, "SIGKILL")
  await a.ended
  const ledger = await openLedger(place.ledger)
  if (ledger instanceof LedgerUnavailable) throw ledger
  onTestFinished(() => ledger.close())
  place.file("go", "")
  process.kill(b.pid, "SIGCONT")
  const { status, stdout } = await b.ended
  expect(status).not.toBe(0)
  expect(stdout.toString("utf8")).not.toContain("whole")
}

describe("an attached run that nobody decides for", () => {
  it("lets no call through, and its agents are not left waiting", {
    timeout: 300_000,
  }, async () => {
    await Promise.all([silentHolder(), lostHolder()])
    expect(models.calls).toEqual([])
  })
})
