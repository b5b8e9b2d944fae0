import { expect } from "vitest"
import type { Checks } from "../machines.ts"
import {
  end,
  expire,
  HOUR,
  hold,
  later,
  NOON,
  openAt,
  report,
  requestOf,
  SETTINGS,
  set,
  settle,
  settleLate,
  spawn,
  table,
  tick,
} from "./script.ts"

const LASTING = { ...SETTINGS, maxTaskDurationMinutes: null }
const MIDNIGHT = 12 * HOUR

const utc = (text: string): number => Date.parse(`${text}Z`)

export const days: Checks = {
  "the day turns at its last millisecond's end, with whatever comes first": table(LASTING, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 50), "records | day 50!50 | a 50!50"],
    [later(MIDNIGHT - 1, spawn("b")), "admits | day 50!50 | a 50!50 | b 0"],
    [later(1, tick), "turns | day 2026-03-03 0 | a 50!50 | b 0"],
    [report("b", 5), "records | day 2026-03-03 5!5 | a 50!50 | b 5!5"],
    [later(48 * HOUR, hold("h", "b", 1)), "admits | day 2026-03-05 0+1 | a 50!50 | b 5+1!5"],
  ]),

  "an agent's own account has no window": table(LASTING, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 50), "records | day 50!50 | a 50!50"],
    [
      later(MIDNIGHT, report("a", 10)),
      "overAgentLimit | day 2026-03-03 10!10 | a 60!60 stopping agent_token_limit",
    ],
  ]),

  "yesterday's hold stays yesterday's, however it resolves": table(
    { ...LASTING, perAgentTokenLimit: null },
    [
      [spawn("a"), "admits | day 0 | a 0"],
      [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
      [hold("i", "a", 30), "admits | day 0+60 | a 0+60"],
      [hold("j", "a", 30), "admits | day 0+90 | a 0+90"],
      [later(MIDNIGHT, hold("k", "a", 100)), "admits | day 2026-03-03 0+100 | a 0+190"],
      [settle("h", 25), "resolves | day 2026-03-03 0+100 | a 25+160"],
      [settle("i", 40), "resolves | day 2026-03-03 0+100 | a 65+130!10"],
      [expire("j"), "resolves | day 2026-03-03 0+100 | a 95+100?30!10"],
      [settleLate("j", "a", [30, 5]), "corrects | day 2026-03-03 0+100 | a 70+100!10"],
      [settle("k", 100), "resolves | day 2026-03-03 100 | a 170!10"],
    ],
  ),

  "a settle over midnight belongs to the day that granted the hold": table(LASTING, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
    [later(MIDNIGHT, settle("h", 30)), "resolves | day 2026-03-03 0 | a 30"],
  ]),

  "ended agents leave with their day, and a late correction to them is nobody's": table(LASTING, [
    [spawn("a"), "admits | day 0 | a 0"],
    [hold("h", "a", 30), "admits | day 0+30 | a 0+30"],
    [end("a"), "ends | day 30?30 | a 30?30 ended completed"],
    [later(MIDNIGHT, tick), "turns | day 2026-03-03 0"],
    [settleLate("h", "a", [30, 5]), "corrects | day 2026-03-03 0"],
  ]),

  "an account that only counts leaves with a day in which it counted nothing": table(LASTING, [
    [spawn("s", { slot: false }), "admits | day 0 | s 0"],
    [spawn("t", { slot: false }), "admits | day 0 | s 0 | t 0"],
    [report("s", 5), "records | day 5!5 | s 5!5 | t 0"],
    [later(MIDNIGHT, tick), "turns | day 2026-03-03 0 | s 5!5"],
    [later(2 * MIDNIGHT, tick), "turns | day 2026-03-04 0"],
  ]),

  "a clock that goes back stays in the open day": table(LASTING, [
    [spawn("a"), "admits | day 0 | a 0"],
    [later(MIDNIGHT, report("a", 5)), "records | day 2026-03-03 5!5 | a 5!5"],
    [later(-2 * HOUR, report("a", 5)), "records | day 2026-03-03 10!10 | a 10!10"],
    [later(-24 * HOUR, tick), "turns | day 2026-03-03 10!10 | a 10!10"],
    [later(26 * HOUR, report("a", 5)), "records | day 2026-03-03 15!15 | a 15!15"],
  ]),

  "a limit that is set while the day turns is the new day's": table(LASTING, [
    [spawn("a"), "admits | day 0 | a 0"],
    [report("a", 50), "records | day 50!50 | a 50!50"],
    [later(MIDNIGHT, set({ dailyTokenLimit: 40 })), "sets | day 2026-03-03 0 | a 50!50"],
    [hold("h", "a", 10), "admits | day 2026-03-03 0+10 | a 50+10!50"],
  ]),

  "a day is the zone's own, however long it is": ({ window: { windowAt } }) => {
    const table: readonly (readonly [zone: string, day: string, begins: string, ends: string])[] = [
      ["UTC", "2026-03-02", "2026-03-02T00:00", "2026-03-03T00:00"],
      ["Europe/Berlin", "2026-03-29", "2026-03-28T23:00", "2026-03-29T22:00"],
      ["Europe/Berlin", "2026-10-25", "2026-10-24T22:00", "2026-10-25T23:00"],
      ["Africa/Cairo", "2026-04-24", "2026-04-23T22:00", "2026-04-24T21:00"],
      ["Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00", "2026-04-05T13:30"],
    ]
    for (const [zone, day, begins, ends] of table) {
      const [startsAt, endsAt] = [utc(begins), utc(ends)]
      const expected = { id: day, startsAt, endsAt, timeZone: zone }
      expect(windowAt(startsAt, zone)).toEqual(expected)
      expect(windowAt(endsAt - 1, zone)).toEqual(expected)
      expect(windowAt(endsAt, zone).startsAt).toBe(endsAt)
    }
  },

  "the open day is never left for an earlier one": ({ window: { nextWindow, windowAt } }) => {
    const today = windowAt(NOON, "UTC")
    const table: readonly (readonly [at: number, zone: string, day: string])[] = [
      [NOON - 48 * HOUR, "UTC", "2026-03-02"],
      [today.endsAt - 1, "UTC", "2026-03-02"],
      [today.endsAt, "UTC", "2026-03-03"],
      [today.endsAt - 1, "Pacific/Kiritimati", "2026-03-02"],
      [today.endsAt, "Pacific/Kiritimati", "2026-03-03"],
      [today.endsAt, "America/New_York", "2026-03-03"],
    ]
    const windows = table.map(([at, zone]) => nextWindow(today, at, zone).id)
    expect(windows).toEqual(table.map(([, , expected]) => expected))
  },

  "a clock is called stepped when it reads 26 hours before the open day": (m) => {
    const { startsAt } = openAt(m, SETTINGS).window
    const { clockSteppedBack, windowAt } = m.window
    const stepped = (at: number) => clockSteppedBack(windowAt(NOON, "UTC"), at)
    expect([stepped(startsAt - 26 * HOUR), stepped(startsAt - 26 * HOUR - 1)]).toEqual([
      false,
      true,
    ])
  },

  "a stepped clock opens the present day with what it had used": (m) => {
    const { day, window } = m.fold.fold(
      m.spawning.decideSpawn(openAt(m, SETTINGS), requestOf("a"), NOON).after,
      {
        kind: "clock_stepped",
        seq: 2,
        at: NOON - 72 * HOUR,
        from: NOON,
        window: m.window.windowAt(NOON - 72 * HOUR, "UTC"),
        confirmedTokens: 150,
        uncertainTokens: 7,
      },
    )
    expect(window.id).toBe("2026-02-27")
    expect([day.confirmed, day.uncertain, day.held, day.told]).toEqual([150, 7, 0, 3])
    expect(day.confirmed + day.uncertain - day.overrun).toBeLessThanOrEqual(100)
  },
}
