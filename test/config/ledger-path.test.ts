import { describe, expect, test } from "vitest"
import type { Machine } from "../../src/config/ledger-path.ts"
import { ledgerPath, thisMachine } from "../../src/config/ledger-path.ts"

const linux: Machine = { platform: "linux", env: {}, home: "/home/ada", folder: "/srv/here" }
const mac: Machine = { ...linux, platform: "darwin", home: "/Users/ada" }
const windows: Machine = {
  platform: "win32",
  env: {},
  home: "C:\\Users\\ada",
  folder: "C:\\work",
}

describe("by default the ledger is in the user's state folder", () => {
  test.each([
    ["Linux", linux, "/home/ada/.local/state/stint/stint.db"],
    ["Linux", { ...linux, env: { XDG_STATE_HOME: "/state" } }, "/state/stint/stint.db"],
    [
      "a relative XDG_STATE_HOME",
      { ...linux, env: { XDG_STATE_HOME: "state" } },
      "/home/ada/.local/state/stint/stint.db",
    ],
    [
      "an empty XDG_STATE_HOME",
      { ...linux, env: { XDG_STATE_HOME: "" } },
      "/home/ada/.local/state/stint/stint.db",
    ],
    [
      "macOS",
      { ...mac, env: { XDG_STATE_HOME: "/state" } },
      "/Users/ada/Library/Application Support/stint/stint.db",
    ],
    ["Windows", windows, "C:\\Users\\ada\\AppData\\Local\\stint\\stint.db"],
    ["Windows", { ...windows, env: { LOCALAPPDATA: "D:\\local" } }, "D:\\local\\stint\\stint.db"],
  ])("%s", (_, machine, path) => {
    expect(ledgerPath(null, machine)).toBe(path)
  })
})

describe("a ledger that was named", () => {
  test.each([
    [linux, "stint.db", "/srv/here/stint.db"],
    [linux, "../day.db", "/srv/day.db"],
    [linux, "/var/stint.db", "/var/stint.db"],
    [linux, "~/stint.db", "/home/ada/stint.db"],
    [linux, "~ada/stint.db", "/srv/here/~ada/stint.db"],
    [windows, "stint.db", "C:\\work\\stint.db"],
    [windows, "~\\stint.db", "C:\\Users\\ada\\stint.db"],
  ])("is absolute: %o %s", (machine, given, path) => {
    expect(ledgerPath(given, machine)).toBe(path)
  })
})

test("this machine's folder is the working directory", () => {
  expect(ledgerPath("stint.db", thisMachine())).toBe(`${process.cwd()}/stint.db`)
})
