import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Result from "effect/Result"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { readSettingsFile } from "../../src/config/file.ts"
import { resolveSettings } from "../../src/config/resolve.ts"
import { readYaml } from "../../src/config/yaml.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "stint-config-"))
})
afterEach(() => rm(folder, { recursive: true }))

/** What `stint.yaml` with this text leads to: a budget's differences, or the message. */
const outcomeOf = async (text: string): Promise<unknown> => {
  await writeFile(join(folder, "stint.yaml"), text)
  const file = await readSettingsFile(folder)
  if (Result.isFailure(file)) return file.failure.message.split("\n")
  if (file.success === undefined) return "no file"
  const settings = resolveSettings({ file: file.success })
  if (Result.isFailure(settings)) return settings.failure.message.split("\n")
  return { ...settings.success.budget, ...settings.success.run }
}

const LIMIT = "a whole number from 0 to 9007199254740991, or null for unlimited"
const WEIGHT = "a decimal from 0 to 1000000 with at most three places"

describe("stint.yaml", () => {
  test("sets what it names", async () => {
    const text = `
# a comment
dailyTokenLimit: 5000000   # a day
perAgentTokenLimit: null
maxConcurrentAgents: ~
maxTaskDurationMinutes: 1e1
enforceHardLimits: false
tokenWeights: {cacheRead: .1}
thresholds:
  - 50
  - 75.5
  - 100
timeZone: Europe/Berlin
retentionDays: 90
ledger: "./here.db"
`
    expect(await outcomeOf(text)).toMatchObject({
      dailyTokenLimit: 5_000_000,
      perAgentTokenLimit: null,
      maxConcurrentAgents: null,
      maxTaskDurationMinutes: 10,
      enforceHardLimits: false,
      tokenWeights: { input: 1, output: 1, cacheWrite: 1, cacheRead: 0.1 },
      thresholds: [50, 75.5, 100],
      graceSeconds: 5,
      timeZone: "Europe/Berlin",
      retentionDays: 90,
      ledger: "./here.db",
    })
  })

  test.each(["", "# nothing yet\n", "---\n", "{}"])("may say nothing: %j", async (text) => {
    expect(await outcomeOf(text)).toMatchObject({ dailyTokenLimit: 10_000_000, ledger: null })
  })

  test("each mistake is told with its line", async () => {
    const text = `graceSeconds: 5
dailyTokenLimit: -5
tokenWeights:
  input: 1
  cacheRead: 0.0005
  inputs: 2
timezone: UTC
thresholds:
  - 80
  - 70
  - 100
`
    expect(await outcomeOf(text)).toEqual([
      `stint.yaml:2: dailyTokenLimit: found -5, expected ${LIMIT}`,
      "stint.yaml:6: tokenWeights.inputs: found an unknown key, expected a known one: did you mean input?",
      `stint.yaml:5: tokenWeights.cacheRead: found 0.0005, expected ${WEIGHT}`,
      "stint.yaml:7: timezone: found an unknown key, expected a known one: did you mean timeZone?",
      "stint.yaml:8: thresholds: found [80, 70, 100], expected three ascending percentages above 0 up to 1000, with at most two places, such as [80, 95, 100]",
    ])
  })

  test.each([
    [".nan", "NaN"],
    [".inf", "Infinity"],
    ["-.inf", "-Infinity"],
    ["-0", "-0"],
    ["9007199254740993", "9007199254740993"],
    ["5.00000000000000000001", "5.00000000000000000001"],
    ["[1]", "[1]"],
    ["true", "true"],
  ])("a limit of %s is refused as it was written", async (written, found) => {
    expect(await outcomeOf(`dailyTokenLimit: ${written}`)).toEqual([
      `stint.yaml:1: dailyTokenLimit: found ${found}, expected ${LIMIT}`,
    ])
  })

  test.each([
    ["10_000_000", '"10_000_000"', "10000000"],
    ["10M", '"10M"', "10000000"],
    ["unlimited", '"unlimited"', "null"],
  ])("text in place of a number is told how to write it: %s", async (written, found, instead) => {
    expect(await outcomeOf(`dailyTokenLimit: ${written}`)).toEqual([
      `stint.yaml:1: dailyTokenLimit: found ${found}, expected ${LIMIT}; write ${instead}`,
    ])
  })

  test("a key that is a number is as unknown as any other", async () => {
    expect(await outcomeOf("9007199254740993: 1")).toEqual([
      expect.stringMatching(
        /^stint\.yaml:1: 9007199254740992: found an unknown key, expected one of /,
      ),
    ])
  })

  test("a key given twice is a mistake, not a choice", async () => {
    expect(await outcomeOf("graceSeconds: 1\ntimeZone: UTC\ngraceSeconds: 2\n")).toEqual([
      "stint.yaml:3: graceSeconds: found it a second time, expected it once",
    ])
    expect(await outcomeOf("tokenWeights: {input: 1,\n  input: 2}")).toEqual([
      "stint.yaml:2: input: found it a second time, expected it once",
    ])
  })

  test.each([
    ["- dailyTokenLimit: 5", "[{dailyTokenLimit: 5}]"],
    ["dailyTokenLimit", '"dailyTokenLimit"'],
    ["42", "42"],
  ])("anything but a map is refused: %s", async (text, found) => {
    expect(await outcomeOf(text)).toEqual([
      `stint.yaml: found ${found}, expected a map of settings`,
    ])
  })

  test.each([
    ["graceSeconds: [1", /^stint\.yaml:1: found .*, expected a YAML map of settings$/],
    ["graceSeconds: 1\n\tx: 2", /^stint\.yaml:2: found .*, expected a YAML map of settings$/],
    ["graceSeconds: 1\n---\ngraceSeconds: 2\n", /^stint\.yaml:\d: found .*multiple documents/],
    ["graceSeconds: *five", /^stint\.yaml: found Unresolved alias.*five/],
    ["graceSeconds: !seconds 5", /^stint\.yaml:1: found Unresolved tag: !seconds/],
  ])("broken YAML is told by line: %j", async (text, message) => {
    expect(await outcomeOf(text)).toEqual([expect.stringMatching(message)])
  })

  test("aliases that would fill the memory are refused", async () => {
    const rows = ["a: &a [1,1,1,1,1,1,1,1,1,1]"]
    for (const [here, there] of ["ba", "cb", "dc", "ed", "fe", "gf"])
      rows.push(`${here}: &${here} [${Array(10).fill(`*${there}`).join(",")}]`)
    expect(await outcomeOf(rows.join("\n"))).toEqual([
      "stint.yaml: found Excessive alias count indicates a resource exhaustion attack, expected a YAML map of settings",
    ])
  })
})

describe("the file itself", () => {
  test("need not be there", async () => {
    expect(await readSettingsFile(folder)).toEqual(Result.succeed(undefined))
    expect(await readSettingsFile(join(folder, "nowhere"))).toEqual(Result.succeed(undefined))
  })

  test.each(["stint.yml", ".stint.yaml", ".stint.yml"])(
    "of another name is told, not ignored: %s",
    async (name) => {
      await writeFile(join(folder, name), "graceSeconds: 1")
      await expect(readSettingsFile(folder).then(Result.getOrThrow)).rejects.toThrow(
        `${name}: found a file of this name, expected it to be called stint.yaml`,
      )
    },
  )

  test("that cannot be read is a mistake, not an absence", async () => {
    await mkdir(join(folder, "stint.yaml"))
    await expect(readSettingsFile(folder).then(Result.getOrThrow)).rejects.toThrow(
      "stint.yaml: found something unreadable (EISDIR), expected a file that can be read",
    )
  })

  test.skipIf(process.getuid?.() === 0)("without permission is named", async () => {
    await writeFile(join(folder, "stint.yaml"), "graceSeconds: 1")
    await chmod(join(folder, "stint.yaml"), 0)
    await expect(readSettingsFile(folder).then(Result.getOrThrow)).rejects.toThrow("EACCES")
  })
})

test("lines of deeper keys are known, and of missing ones their parent's", async () => {
  const read = Result.getOrThrow(await readYaml("budget:\n  graceSeconds: 1\n5: x\n", "plan.yaml"))
  expect(read.lineOf?.(["budget", "graceSeconds"])).toBe(2)
  expect(read.lineOf?.(["budget", "timeZone"])).toBe(1)
  expect(read.lineOf?.(["5"])).toBe(3)
  expect(read.lineOf?.(["agents"])).toBeNull()
  expect(read.lineOf?.([])).toBeNull()
})
