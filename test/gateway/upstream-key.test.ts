import { spawnSync } from "node:child_process"
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { pino } from "pino"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { thisMachine } from "../../src/config/ledger-path.ts"
import type { KeySource } from "../../src/config/upstreams.ts"
import { readKey } from "../../src/gateway/upstream-key.ts"

let folder = ""
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "stint-key-"))
})
afterAll(() => rm(folder, { recursive: true }))

const PLACE = { source: "stint.yaml", line: 3, key: "upstreams.openai.apiKeyFile" }

const read = (source: KeySource, commandMsMax?: number) =>
  readKey(source, {
    machine: { ...thisMachine(), folder, home: folder },
    ...(commandMsMax === undefined ? {} : { commandMsMax }),
  })

const inFile = async (text: string, mode = 0o600): Promise<KeySource> => {
  await writeFile(join(folder, "key"), text)
  await chmod(join(folder, "key"), mode)
  return { from: "file", path: "key", sentAs: "bearer", place: PLACE }
}

const printing = (script: string): KeySource => running(["sh", "-c", script])

const running = (command: [string, ...string[]]): KeySource => ({
  from: "command",
  command,
  sentAs: "bearer",
  place: { ...PLACE, key: "upstreams.openai.apiKeyCommand" },
})

const inEnvironment = (text: string): KeySource => ({
  from: "environment",
  secret: Redacted.make(text),
  sentAs: "api-key",
  place: { source: "environment", line: null, key: "OPENAI_API_KEY" },
})

const keyOf = async (source: KeySource): Promise<string> =>
  Redacted.value(Result.getOrThrow(await read(source)).secret)

const failureOf = async (source: KeySource, commandMsMax?: number): Promise<string> => {
  const key = await read(source, commandMsMax)
  return Result.isFailure(key) ? key.failure.message : "read"
}

describe("a key is read", () => {
  test("from the environment, a file or a command, without the newline behind it", async () => {
    expect(await keyOf(inEnvironment("sk-1"))).toBe("sk-1")
    expect(await keyOf(await inFile("sk-2\n"))).toBe("sk-2")
    expect(await keyOf(await inFile("sk-3\r\n\n"))).toBe("sk-3")
    expect(await keyOf(printing("echo sk-4"))).toBe("sk-4")
    expect(await keyOf(printing('printf %s "$PWD"'))).toContain("stint-key-")
  })

  test("from the home folder too", async () => {
    await inFile("sk-home")
    const source: KeySource = { from: "file", path: "~/key", sentAs: "bearer", place: PLACE }
    expect(await keyOf(source)).toBe("sk-home")
  })

  test("with a warning when others could read the file", async () => {
    const open = Result.getOrThrow(await read(await inFile("sk-hush", 0o644)))
    expect(open.warnings).toEqual([
      "stint.yaml:3: upstreams.openai.apiKeyFile: others can read key (mode 644): chmod 600 it",
    ])
    expect(Result.getOrThrow(await read(await inFile("sk-hush", 0o400))).warnings).toEqual([])
  })
})

describe("a key that cannot be one is refused, and no part of it is told", () => {
  const KEY = "expected a key: one line of printable ASCII characters without spaces"
  const PRINTED = "expected a command that prints the key and exits with 0"

  test.each([
    ["", "nothing"],
    ["\n", "nothing"],
    ["sk-hush\nsk-hush", "several lines"],
    ["sk hush", "a text with spaces or characters that are not printable ASCII"],
    ["sk-hush\t", "a text with spaces or characters that are not printable ASCII"],
    ["sk-hüsh", "a text with spaces or characters that are not printable ASCII"],
    ["sk-hush\u0000", "a text with spaces or characters that are not printable ASCII"],
    ["k".repeat(20_000), "more than 16384 bytes"],
  ])("%j", async (text, found) => {
    expect(await failureOf(await inFile(text))).toBe(
      `stint.yaml:3: upstreams.openai.apiKeyFile: found ${found}, ${KEY}`,
    )
    if (text.length < 100)
      expect(await failureOf(inEnvironment(text))).toBe(
        `environment: OPENAI_API_KEY: found ${found}, ${KEY}`,
      )
  })

  test("a file that is not there, or is none", async () => {
    const file = (path: string): KeySource => ({
      ...{ from: "file", path, sentAs: "bearer", place: PLACE },
    })
    expect(await failureOf(file("nowhere"))).toContain("found no file nowhere, expected a file")
    expect(await failureOf(file("."))).toContain("found ., which is unreadable (EISDIR)")
  })

  test("a command that fails, is killed, is not there or prints too much", async () => {
    const place = "stint.yaml:3: upstreams.openai.apiKeyCommand: found"
    expect(await failureOf(printing("echo sk-hush; exit 3"))).toBe(
      `${place} a command that ended with exit status 3, ${PRINTED}`,
    )
    expect(await failureOf(printing("echo sk-hush; kill -9 $$"))).toBe(
      `${place} a command that ended with SIGKILL, ${PRINTED}`,
    )
    expect(await failureOf(running(["no-such-program-of-stint"]))).toBe(
      `${place} a command that cannot be started (ENOENT), ${PRINTED}`,
    )
    expect(await failureOf(printing("yes sk-hush"))).toBe(`${place} more than 16384 bytes, ${KEY}`)
  })

  test("a command that hangs is ended with all that it started", async () => {
    const pids = join(folder, "pids")
    // The second one holds the output open, as a helper's helper would.
    const script = `sleep 600 & echo $! $$ > '${pids}'; wait`
    expect(await failureOf(printing(script), 1_500)).toBe(
      `stint.yaml:3: upstreams.openai.apiKeyCommand: found a command that printed no key within 1.5 seconds, ${PRINTED}`,
    )
    const numbers = (await readFile(pids, "utf8")).trim().split(" ").map(Number)
    expect(numbers).toHaveLength(2)
    await expect.poll(() => numbers.filter(isAlive)).toEqual([])
  })
})

/** Ended and not yet waited for is not alive. */
const isAlive = (pid: number): boolean => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" })
  return stdout.trim() !== "" && !stdout.trim().startsWith("Z")
}

test("a key is in no log, no JSON, no text and no dump", async () => {
  const key = Result.getOrThrow(await read(await inFile("sk-hush\n")))
  const lines: string[] = []
  const log = pino({}, { write: (line) => lines.push(line) })
  log.info({ key, upstream: { key: key.secret } }, `with ${key.secret}`)
  const shown = [...lines, String(key.secret), JSON.stringify(key), inspect(key, { depth: 9 })]
  expect(shown.join("\n")).not.toContain("hush")
  expect(shown).toHaveLength(4)
})
