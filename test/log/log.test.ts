import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const resultOf = (fixture: string) => {
  const program = fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url))
  return spawnSync(process.execPath, ["--no-warnings", program], { encoding: "utf8" })
}

const linesOf = (text: string): readonly string[] => text.trim().split("\n")

describe("a log that nobody chose", () => {
  it("writes warnings and worse to standard error, in their order", () => {
    const { stdout, stderr } = resultOf("two-warnings.ts")
    expect(linesOf(stderr).map((line) => JSON.parse(line))).toMatchObject([
      { name: "stint", level: 40, agentId: "first", msg: "one" },
      { name: "stint", level: 50, agentId: "second", msg: "two" },
    ])
    expect(stdout).toBe("true false")
  })

  it("has written a line when the program ends right after it", () => {
    const { status, stderr } = resultOf("last-words.ts")
    expect(linesOf(stderr).map((line) => JSON.parse(line))).toMatchObject([
      { name: "stint", level: 50, agentId: "last", msg: "words" },
    ])
    expect(status).toBe(3)
  })

  it("tells a line without pino where that cannot be loaded, and tries again with the next", () => {
    const { status, stderr } = resultOf("without-pino.ts")
    const [first = "", second = ""] = linesOf(stderr)
    expect(first).toBe("stint: one: { agentId: 'first' }")
    expect(JSON.parse(second)).toMatchObject({ name: "stint", level: 50, msg: "two" })
    expect(status).toBe(0)
  })
})
