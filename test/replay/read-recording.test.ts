import { appendFile, mkdir, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { expect, test } from "vitest"
import { readRecording } from "../../src/replay/read-recording.ts"
import { findRecordings } from "../../src/replay/recognise.ts"
import type { Recorded } from "../../src/replay/recorded-call.ts"
import { folder } from "./recordings.ts"

const FIXTURES = join(import.meta.dirname, "fixtures/projects")
const SHOP = "11111111-aaaa-4aaa-8aaa-111111111111"
const WEB = "22222222-bbbb-4bbb-8bbb-222222222222"

const readAll = async (paths: readonly string[], maxLineBytes?: number) => {
  const all: Recorded[] = []
  const options = maxLineBytes === undefined ? {} : { maxLineBytes }
  for (const recording of await findRecordings(paths))
    for await (const batch of readRecording(recording, options)) all.push(...batch)
  return all
}

/** `agent output` of each call, `line: why` of each damaged line. */
const told = (all: readonly Recorded[]): readonly string[] =>
  all.map((one) =>
    one.kind === "call"
      ? `${one.call.agentId} ${one.call.usage.outputTokens}`
      : `${one.skipped.line}: ${one.skipped.why}`,
  )

const assistant = (more: object = {}, usage: unknown = { output_tokens: 1 }) => ({
  type: "assistant",
  sessionId: "s",
  timestamp: "2026-03-01T10:00:00Z",
  requestId: "r",
  message: { id: "m", model: "claude", usage },
  ...more,
})

const progress = (data: object = {}, said: object = {}) => ({
  type: "progress",
  sessionId: "s",
  timestamp: "2026-03-01T10:00:09Z",
  data: { type: "agent_progress", agentId: "x", message: { ...assistant(), ...said }, ...data },
})

const readLines = async (...lines: readonly unknown[]) => {
  const text = lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line)))
  return readAll([await folder({ "log.jsonl": text.join("\n") })])
}

test("a session's log tells its calls line by line, and names damaged lines", async () => {
  expect(told(await readAll([join(FIXTURES, `shop/${SHOP}.jsonl`)]))).toEqual([
    `${SHOP} 1`,
    `${SHOP} 1`,
    `${SHOP} 265`,
    "7: no JSON",
    `${SHOP} 20`,
    `${SHOP}/a1b2c3 7`,
    "14: input_tokens is -1, expected a whole number from 0 to 2^53 - 1",
    "15: input_tokens is 1.5, expected a whole number from 0 to 2^53 - 1",
    "16: input_tokens is 9007199254740992, expected a whole number from 0 to 2^53 - 1",
    `${SHOP} 2`,
  ])
})

test("a sub-agent has the same name and call ids in its own file as in its session's log", async () => {
  const own = await readAll([join(FIXTURES, `shop/${SHOP}/subagents`)])
  const logged = await readAll([join(FIXTURES, `shop/${SHOP}.jsonl`)])
  const idsOf = (all: readonly Recorded[]) =>
    all.flatMap((one) =>
      one.kind === "call" && one.call.agentId === `${SHOP}/a1b2c3` ? [one.call.callId] : [],
    )
  expect(idsOf(own)).toHaveLength(2)
  expect(idsOf(logged)).toEqual(idsOf(own).slice(0, 1))
})

test("a file written on Windows reads the same: byte order mark, CRLF, no last line end", async () => {
  expect(told(await readAll([join(FIXTURES, `web/${WEB}.jsonl`)]))).toEqual([
    `${WEB} 20`,
    `${WEB} 200`,
  ])
})

test("what carries no usage of a call is passed over in silence", async () => {
  const others = [
    { type: "user", toolUseResult: { usage: { output_tokens: 5 } } },
    { type: "system", usage: { output_tokens: 5 } },
    { type: "progress", data: { type: "agent_progress", message: { type: "user" } } },
    { type: "progress", data: { type: "bash_progress", output: "usage" } },
    { type: "progress" },
    progress({}, { type: "user" }),
    progress({ type: "other_progress" }),
    assistant({ message: { model: "claude" } }),
    assistant({}, null),
    assistant({ message: { model: "<synthetic>", usage: { output_tokens: 5 } } }),
    "",
    "   ",
  ]
  expect(await readLines(...others)).toEqual([])
})

test.each([
  ["cut short", '{"type":"assistant","message":{"usa', "no JSON"],
  ["an array", "[1]", "no JSON object"],
  ["words", "Segmentation fault", "no JSON"],
  ["a time that is none", assistant({ timestamp: "soon" }), "timestamp is"],
  ["no time", assistant({ timestamp: undefined }), "timestamp is nothing"],
  ["counts as text", assistant({}, { output_tokens: "5" }), "output_tokens is"],
  ["usage that is no object", assistant({}, 5), "usage is no object"],
  ["a session that is no name", assistant({ sessionId: 5 }), "sessionId is 5"],
])("a damaged line is told, and the next one read: %s", async (_, line, why) => {
  const [first, second] = told(await readLines(line, assistant()))
  expect(first).toContain(`1: ${why}`)
  expect(second).toBe("s 1")
})

test("a sub-agent's call is of the time that its own message tells, or else of the line's", async () => {
  const calls = await readLines(progress(), progress({}, { timestamp: undefined }))
  const seconds = calls.map((one) => (one.kind === "call" ? one.call.at % 60_000 : null))
  expect(seconds).toEqual([0, 9_000])
})

test("one of the two ids is enough to know a call again; without both, its line is", async () => {
  const ids = async (...lines: readonly object[]) =>
    (await readLines(...lines)).map((one) => (one.kind === "call" ? one.call.callId : one))
  const message = (id: unknown) => ({ message: { id, usage: { output_tokens: 1 } } })
  const [both, noRequest, noMessage, other] = await ids(
    assistant(),
    assistant({ requestId: undefined }),
    assistant(message(undefined)),
    assistant({ requestId: "r2" }),
  )
  expect(new Set([both, noRequest, noMessage, other]).size).toBe(4)
  const bare = { ...message(undefined), requestId: undefined }
  expect(await ids(assistant({ ...bare, uuid: "u" }), assistant(bare))).toEqual(['["u"]', null])
})

test("calls hidden in iterations are counted, and never twice", async () => {
  const iteration = (type: string, output_tokens: number) => ({ type, output_tokens })
  const calls = await readLines(
    assistant(
      {},
      { output_tokens: 8, iterations: [iteration("compaction", 83), iteration("message", 8)] },
    ),
    assistant({}, { output_tokens: 8, iterations: [iteration("message", 8)] }),
    assistant({}, { output_tokens: 8, iterations: [] }),
    assistant({}, { output_tokens: 8, iterations: null }),
  )
  expect(told(calls)).toEqual(["s 91", "s 8", "s 8", "s 8"])
})

test("a line without a session belongs to the one its file is named after", async () => {
  const line = JSON.stringify(assistant({ sessionId: undefined }))
  expect(told(await readAll([await folder({ "abc.jsonl": line })]))).toEqual(["abc 1"])
})

test("long lines are judged as short ones are", async () => {
  const content = "x".repeat(100_000)
  const all = await readLines(
    assistant({ content }),
    { type: "user", content },
    `{"type":"user","content":"${content}`,
    `  ${JSON.stringify(assistant({ content }))}  `,
    JSON.stringify(assistant({ content })).replace('"usage"', '"\\u0075sage"'),
    JSON.stringify(assistant({ content })).replace('"usage"', '"us\\u0061ge"'),
    `{"content":"${content}" "usage":5}`,
  )
  expect(told(all)).toEqual([
    "s 1",
    "3: a JSON object that is cut short",
    "s 1",
    "s 1",
    "s 1",
    "7: no JSON",
  ])
})

test("a line beyond the bound is skipped and named", async () => {
  const lines = [assistant(), assistant({ content: "x".repeat(2_000) }), assistant()]
  const made = await folder({ "log.jsonl": lines.map((line) => JSON.stringify(line)).join("\n") })
  expect(told(await readAll([made], 1_000))).toEqual([
    "s 1",
    "2: the line is too long to be read",
    "s 1",
  ])
})

test("usage records are known by their type, or by their time where they have none", async () => {
  const record = { at: "2026-03-01T10:00:00Z", agentId: "a", outputTokens: 3 }
  const all = await readLines(
    { type: "stint.usage", ...record, taskId: "t", id: "1", model: "m" },
    record,
    { ...record, id: "1", agentId: "b" },
    { type: "stint.usage", ...record, outputTokens: -3 },
    { type: "stint.usage", ...record, agentId: undefined },
    { type: "stint.usage", agentId: "a", outputTokens: 3 },
  )
  expect(told(all)).toEqual([
    "a 3",
    "a 3",
    "b 3",
    "4: outputTokens is -3, expected a whole number from 0 to 2^53 - 1",
    "5: agentId is nothing, expected a name of 1 to 240 characters",
    "6: at is nothing, expected a time, ISO 8601 or milliseconds since 1970",
  ])
  const calls = all.flatMap((one) => (one.kind === "call" ? [one.call] : []))
  expect(calls.map(({ taskId, model }) => [taskId, model])).toEqual([
    ["t", "m"],
    ["a", null],
    ["b", null],
  ])
  expect(new Set(calls.map(({ callId }) => callId)).size).toBe(3)
})

test("compressed files are read as what they hold, and damage in one is one damaged line", async () => {
  const text = `${JSON.stringify(assistant())}\n${JSON.stringify(assistant({ sessionId: "t" }))}\n`
  const whole = gzipSync(text)
  const made = await folder({
    "a.jsonl.gz": whole,
    "b.jsonl.gz": Buffer.from(text),
    "c.csv.gz": gzipSync("at,agentId,outputTokens\n2026-03-01T10:00:00Z,a,4"),
    "d.jsonl.gz": whole.subarray(0, -9),
  })
  const all = told(await readAll([made]))
  expect(all.slice(0, 4)).toEqual(["s 1", "t 1", "1: damaged gzip", "a 4"])
  expect(all.at(-1)).toMatch(/damaged gzip/)
})

test("a folder gives its recordings by name, whatever else lies there", async () => {
  const made = await folder({
    "b.jsonl": "",
    "a.ndjson": "",
    "c.csv": "",
    "z.JSONL": "",
    "notes.md": "",
    jsonl: "",
  })
  await mkdir(join(made, "b"))
  await writeFile(join(made, "b", "x.jsonl"), "")
  const found = await findRecordings([made])
  expect(found.map(({ path }) => path.slice(made.length + 1))).toEqual([
    "a.ndjson",
    "b/x.jsonl",
    "b.jsonl",
    "c.csv",
    "z.JSONL",
  ])
})

test("links are followed once: no loop, and no file twice", async () => {
  const made = await folder({ "a.jsonl": JSON.stringify(assistant()) })
  await mkdir(join(made, "sub"))
  await symlink(made, join(made, "sub", "up"))
  await symlink(join(made, "a.jsonl"), join(made, "sub", "again.jsonl"))
  await symlink(join(made, "nowhere"), join(made, "sub", "gone.jsonl"))
  expect(await findRecordings([made, join(made, "a.jsonl"), join(made, "sub")])).toHaveLength(1)
})

test("a path that is not there, and a file used as a folder, are named", async () => {
  const made = await folder({ "a.jsonl": "" })
  for (const path of [join(made, "missing"), join(made, "a.jsonl", "b")])
    await expect(findRecordings([path])).rejects.toMatchObject({
      _tag: "ReplayFailed",
      reason: "missing",
      message: expect.stringContaining(path),
    })
})

test("a file given by name is read whatever it is called", async () => {
  const made = await folder({
    usage: `\n${JSON.stringify(assistant())}`,
    "usage.txt": "at,agentId,outputTokens\n2026-03-01T10:00:00Z,a,4",
  })
  expect(told(await readAll([join(made, "usage"), join(made, "usage.txt")]))).toEqual([
    "s 1",
    "a 4",
  ])
})

test("a CSV of something else is an error when it is named, one skipped line when it is found", async () => {
  const made = await folder({ "prices.csv": "item,price\na,1\n", "usage.csv": "" })
  expect(told(await readAll([made]))).toEqual([expect.stringContaining("1: the header is")])
  await expect(readAll([join(made, "prices.csv")])).rejects.toMatchObject({
    reason: "unknown_header",
    message: expect.stringContaining('prices.csv: the header is "item,price"'),
  })
})

test("an empty file holds nothing, and a growing one what it holds so far", async () => {
  const made = await folder({ "a.jsonl": "" })
  expect(await readAll([made])).toEqual([])
  await appendFile(join(made, "a.jsonl"), `${JSON.stringify(assistant())}\n{"type":"assis`)
  expect(told(await readAll([made]))).toEqual(["s 1", "2: no JSON"])
})
