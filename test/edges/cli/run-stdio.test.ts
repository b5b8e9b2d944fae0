import { createHash, randomBytes } from "node:crypto"
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { eventually, nobodyLeft } from "../../runners/proc-reader.ts"
import {
  agentsAlive,
  newPlace,
  planOf,
  run,
  STINT,
  StintProcess,
  startRun,
} from "./stint-process.ts"

const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex")

/** Everything a process has written so far. */
const bytesWritten = (pid: number): number =>
  Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1])

/** A shell's words for this run, so that its streams can be joined as a user would. */
const inShell = (ledger: string, words: string): string =>
  [...STINT, "run", "--ledger", ledger, words]
    .map((word, index) => (index < STINT.length ? `'${word}'` : word))
    .join(" ")

describe("one command's streams", () => {
  it.each([
    ["bytes that are no text", randomBytes(300_000)],
    ["CRLF and no final newline", Buffer.from("a\r\nb\r\n\r\nc")],
    ["nothing at all", Buffer.alloc(0)],
    ["ten megabytes without a newline", Buffer.alloc(10_000_000, "x")],
  ])("pass %s in and out", async (_, bytes) => {
    const place = newPlace()
    const ended = await run(place, ["--", "cat"], bytes)
    expect(ended.status).toBe(0)
    expect(ended.stdout.length).toBe(bytes.length)
    expect(hashOf(ended.stdout)).toBe(hashOf(bytes))
  })

  it("leave standard error alone", async () => {
    const place = newPlace()
    const ended = await run(place, ["--", "sh", "-c", "printf 'no newline' >&2; echo out"])
    expect(ended.stdout.toString()).toBe("out\n")
    expect(ended.stderr).toMatch(/^no newline/)
  })

  it("show usage lines as well: reading along takes nothing away", async () => {
    const place = newPlace()
    const line = '{"type":"stint.usage","id":"a","inputTokens":5,"outputTokens":1}\n'
    const ended = await run(place, ["--", "cat"], line)
    expect(ended.stdout.toString()).toBe(line)
    expect(ended.stderr).toBe("")
  })

  it("end well when nobody reads any more", async () => {
    const place = newPlace()
    const shell = `${inShell(place.ledger, "-- yes")} 2>err | head -1; echo "$?"`
    const { stdout } = await new StintProcess(["bash", "-o", "pipefail", "-c", shell], place).ended
    expect(stdout.toString()).toBe("y\n141\n")
    expect(place.read("err")).toContain("nobody reads standard output any more")
    expect(place.read("err")).not.toMatch(/Error|node:/)
    await nobodyLeft(place.mark)
  })

  it("do not keep Stint from its limits while a reader stalls, also where stderr is the same pipe", async () => {
    const place = newPlace()
    const limits = "--max-task-duration-minutes 0.01 --grace-seconds 0.3"
    const shell = `${inShell(place.ledger, `${limits} -- yes`)} 2>&1 | (read -r go <gate; tail -n 1)`
    await new StintProcess(["mkfifo", "gate"], place).ended
    const pipeline = new StintProcess(["sh", "-c", shell], place)
    await eventually(() => agentsAlive(place.mark).some(({ words }) => words.startsWith("yes")))
    // Nothing is read until the gate opens, and the gate opens after the end.
    await eventually(() => !agentsAlive(place.mark).some(({ words }) => words.startsWith("yes")))
    await new StintProcess(["sh", "-c", "echo go >gate"], place).ended
    expect((await pipeline.ended).stdout.toString()).toContain("ended: duration_limit")
  })
})

describe("a plan's output", () => {
  const loud = (letter: string) => ({
    id: letter,
    command: `i=0; while [ $i -lt 300 ]; do printf ${letter.repeat(40)}; printf ${letter.repeat(40)}; echo; i=$((i+1)); done`,
  })

  it("comes in whole lines with the agent's name, both streams, and lines never mix", async () => {
    const place = newPlace()
    const agents = [loud("a"), loud("b"), { id: "c", command: "printf 'last words' >&2; cat" }]
    const ended = await run(place, [place.file("plan.yaml", planOf(agents))], "not for agents")
    const lines = ended.stdout.toString().trimEnd().split("\n")
    expect(lines).toHaveLength(600)
    expect(lines.filter((line) => !/^(a \| a{80}|b \| b{80})$/.test(line))).toEqual([])
    expect(ended.stderr).toContain("c | last words\n")
    expect(ended.status).toBe(0)
  })

  it("has no names with --no-prefix, and bytes that are no text stay as they are", async () => {
    const place = newPlace()
    const agents = [{ id: "a", command: "printf '\\377\\000\\n'" }]
    const ended = await run(place, ["--no-prefix", place.file("plan.yaml", planOf(agents))])
    expect(ended.stdout).toEqual(Buffer.from([0xff, 0, 0x0a]))
  })

  it("waits for a reader that stalls, instead of growing", async () => {
    const place = newPlace()
    const agents = ["a", "b", "c"].map((id) => ({ id, command: "exec head -c 60000000 /dev/zero" }))
    const stint = startRun(place, [place.file("plan.yaml", planOf(agents))])
    await eventually(() => stint.stdout.length > 0)
    stint.process.stdout?.pause()
    await eventually(() => agentsAlive(place.mark).length === 3)
    let taken = 0
    let looksWithoutMore = 0
    await eventually(() => {
      const agents = agentsAlive(place.mark).filter(({ words }) => words.startsWith("head"))
      expect(agents).toHaveLength(3)
      const now = agents.reduce((sum, { pid }) => sum + bytesWritten(pid), 0)
      looksWithoutMore = now === taken ? looksWithoutMore + 1 : 0
      taken = now
      return looksWithoutMore > 20
    })
    expect(taken).toBeLessThan(30_000_000)
    stint.process.kill("SIGTERM")
    stint.process.stdout?.resume()
    expect((await stint.ended).status).toBe(143)
  })

  it("stops everybody when nobody reads any more", async () => {
    const place = newPlace()
    const agents = ["a", "b"].map((id) => ({ id, command: "exec yes" }))
    const plan = place.file("plan.yaml", planOf(agents))
    const shell = `${inShell(place.ledger, plan)} 2>err | head -1 | wc -l`
    await new StintProcess(["sh", "-c", shell], place).ended
    expect(place.read("err")).toContain("nobody reads standard output any more; 2 cancelled")
    await nobodyLeft(place.mark)
  })
})
