/** The private folders of launches: real files, real modes, and nothing left behind. */
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { systemTable } from "../../../src/runners/process-table/system.ts"
import { identify } from "../../../src/runners/process-table.ts"
import {
  launchFolder,
  launchRoot,
  prepareLaunch,
  sweepLaunchFolders,
  systemDisk,
} from "../../../src/runners/profiles/launch-folder.ts"
import { fixture } from "../commands.ts"

const place = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "launch-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const table = systemTable()
const own = () => identify(table, process.pid) ?? { pid: 0, startTime: "", bootId: "" }

test("files are the owner's alone, links lead to the user's own, and all is gone afterwards", () => {
  const root = place()
  const users = join(root, "users")
  mkdirSync(join(users, "sessions"), { recursive: true })
  writeFileSync(join(users, "settings.json"), "theirs")
  const folder = join(root, "launches", "1")
  const prepared = prepareLaunch(
    {
      files: [
        { path: "pi/models.json", text: "ours" },
        { path: "pi/settings.json", target: join(users, "settings.json") },
        { path: "pi/sessions", target: join(users, "sessions") },
      ],
    },
    folder,
  )
  if (!("prepared" in prepared)) throw new Error(prepared.message)
  expect([modeOf(join(root, "launches")), modeOf(folder), modeOf(join(folder, "pi"))]).toEqual([
    ...["700", "700", "700"],
  ])
  expect(modeOf(join(folder, "pi/models.json"))).toBe("600")
  expect(readFileSync(join(folder, "pi/settings.json"), "utf8")).toBe("theirs")
  writeFileSync(join(folder, "pi/sessions/new.jsonl"), "kept")
  prepared.dispose()
  prepared.dispose()
  expect(existsSync(folder)).toBe(false)
  expect(readFileSync(join(users, "settings.json"), "utf8")).toBe("theirs")
  expect(readdirSync(join(users, "sessions"))).toEqual(["new.jsonl"])
})

test("a launch without files makes no folder", () => {
  const folder = join(place(), "launches", "1")
  expect(prepareLaunch({ files: [] }, folder)).toMatchObject({ prepared: true })
  expect(existsSync(folder)).toBe(false)
})

test("a place that is taken is not used: it is an answer, and stays as it was", () => {
  const folder = place()
  writeFileSync(join(folder, "x"), "someone's")
  const answer = prepareLaunch({ files: [{ path: "x", text: "ours" }] }, folder)
  expect(answer).toMatchObject({ started: false, exitCode: 125 })
  expect(readFileSync(join(folder, "x"), "utf8")).toBe("someone's")
})

test("what fails halfway leaves nothing behind", () => {
  const folder = join(place(), "1")
  const twice = [
    { path: "x", text: "1" },
    { path: "x", text: "2" },
  ]
  expect(prepareLaunch({ files: twice }, folder)).toMatchObject({ started: false })
  expect(existsSync(folder)).toBe(false)
})

test("what a crash left is swept at the next start; what a living Stint owns, and strangers' things, stay", () => {
  const root = place()
  const living = launchFolder(root, own(), "agent:1.2/3")
  const reused = launchFolder(root, { ...own(), startTime: "1" }, "2")
  const dead = launchFolder(root, { pid: 2 ** 22 + 1, startTime: "5", bootId: own().bootId }, "3")
  for (const folder of [living, reused, dead, join(root, "notes")])
    prepareLaunch({ files: [{ path: "x", text: "" }] }, folder)
  sweepLaunchFolders(root, table)
  expect([living, reused, dead, join(root, "notes")].map((path) => existsSync(path))).toEqual([
    ...[true, false, false, true],
  ])
  sweepLaunchFolders(join(root, "nowhere"), table)
})

test("a folder that cannot be removed is left, and keeps no other", () => {
  const root = place()
  const gone = { pid: 2 ** 22 + 1, startTime: "5", bootId: own().bootId }
  const [stuck = "", loose = ""] = ["1", "2"].map((key) => launchFolder(root, gone, key))
  for (const folder of [stuck, loose]) prepareLaunch({ files: [{ path: "x", text: "" }] }, folder)
  const rights = ["--permission", "--allow-fs-read=*", `--allow-fs-write=${loose}`]
  const sweep = fixture("sweep-folders.ts")
  const { stderr } = spawnSync(process.execPath, [...rights, "--no-warnings", sweep, root], {
    encoding: "utf8",
  })
  expect([stderr, existsSync(stuck), existsSync(loose)]).toEqual(["", true, false])
})

test("an agent's folder is one name, whatever its key", () => {
  expect(launchFolder("/r", { pid: 1, startTime: "2", bootId: "b" }, "../x.y")).toBe(
    "/r/1.2.b.%2E%2E%2Fx%2Ey",
  )
})

test("a folder anyone may write above is known as such", () => {
  const root = place()
  chmodSync(root, 0o755)
  const open = join(root, "open")
  mkdirSync(join(open, "in"), { recursive: true })
  chmodSync(open, 0o777)
  expect(systemDisk.isWorldWritable(join(open, "in", "not yet there"))).toBe(true)
  expect(systemDisk.isWorldWritable("/usr/bin")).toBe(false)
})

test("the root is what a logout clears, where there is such a folder of the user's alone", () => {
  const machine = { platform: "linux", home: "/home/ann", folder: "/work" } as const
  const rootWith = (env: Record<string, string>, isOpen = false) =>
    launchRoot(
      { ...machine, env },
      { ...systemDisk, isFolder: (path) => path !== "/gone", isWorldWritable: () => isOpen },
    )
  const state = "/home/ann/.local/state/stint/launches"
  expect(rootWith({ XDG_RUNTIME_DIR: "/run/user/1" })).toBe("/run/user/1/stint")
  expect(rootWith({ XDG_RUNTIME_DIR: "/run/user/1" }, true)).toBe(state)
  expect(rootWith({ XDG_RUNTIME_DIR: "/gone" })).toBe(state)
  expect(rootWith({ XDG_RUNTIME_DIR: "relative" })).toBe(state)
  expect(rootWith({})).toBe(state)
})
