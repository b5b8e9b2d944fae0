import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

it("a log that nobody chose writes warnings and worse to standard error, in their order", () => {
  const program = fileURLToPath(new URL("./fixtures/two-warnings.ts", import.meta.url))
  const { stdout, stderr } = spawnSync(process.execPath, ["--no-warnings", program], {
    encoding: "utf8",
  })
  const lines = stderr
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
  expect(lines).toMatchObject([
    { name: "stint", level: 40, agentId: "first", msg: "one" },
    { name: "stint", level: 50, agentId: "second", msg: "two" },
  ])
  expect(stdout).toBe("true false")
})
