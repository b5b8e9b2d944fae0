/** Every program shown in the README and the guides runs, as it stands, to its end. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"

const ROOT = new URL("../../", import.meta.url).pathname
const folder = mkdtempSync(join(tmpdir(), "stint-docs-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const documents = [
  "README.md",
  ...readdirSync(join(ROOT, "docs/guides")).map((name) => `docs/guides/${name}`),
].filter((file) => file.endsWith(".md"))

const programs = documents.flatMap((file) =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
    (match, index) => ({ name: `${file}, program ${index + 1}`, source: match[1] ?? "" }),
  ),
)

/** A ledger of its own for each run, wherever the program asks for one. */
const inFolder = (source: string, index: number): string =>
  source.replaceAll(/"[\w-]+\.db"/g, JSON.stringify(join(folder, `${index}.db`)))

describe("programs in the documents", () => {
  it("are there", () => {
    expect(programs.length).toBeGreaterThan(2)
  })

  it.each(programs.map((program, index) => ({ ...program, index })))(
    "$name runs to its end",
    ({ source, index }) => {
      const run = spawnSync(
        process.execPath,
        ["--conditions=source", "--input-type=module-typescript", "-"],
        { cwd: ROOT, input: inFolder(source, index), encoding: "utf8", timeout: 50_000 },
      )
      expect({ status: run.status, stderr: run.stderr }).toEqual({ status: 0, stderr: "" })
    },
  )
})
