import * as Schema from "effect/Schema"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Window } from "../../machines/budget/row.ts"
import { clockSteppedBack, nextWindow, windowAt } from "../../machines/budget/window.ts"
import { WindowId } from "../../machines/vocabulary.ts"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const EARLIEST = -8.64e15
const LATEST = 8.64e15
const ZONES = ["UTC", ...Intl.supportedValuesOf("timeZone")]
const RUNS = 300

const utc = (text: string): number => Date.parse(text)
const hours = (window: Window): number => (window.endsAt - window.startsAt) / HOUR

/** The calendar's own answer, by another road than the code's; good for years with four digits. */
const calendars = new Map<string, Intl.DateTimeFormat>()
const calendarDay = (at: number, timeZone: string): string => {
  const calendar =
    calendars.get(timeZone) ??
    new Intl.DateTimeFormat("sv-SE", {
      timeZone,
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
    })
  calendars.set(timeZone, calendar)
  return calendar.format(at).padStart(10, "0")
}

const offsetNames = new Map<string, Intl.DateTimeFormat>()
const offsetName = (at: number, timeZone: string): string => {
  const names =
    offsetNames.get(timeZone) ??
    new Intl.DateTimeFormat("en-US", { timeZone, year: "numeric", timeZoneName: "longOffset" })
  offsetNames.set(timeZone, names)
  return names.format(at).slice(-9)
}

/** The first change of offset in the 200 days after an instant, or that instant. */
const nextChange = (from: number, timeZone: string): number => {
  const before = offsetName(from, timeZone)
  let high = from
  for (let step = 1; step <= 20 && high === from; step++) {
    if (offsetName(from + step * 10 * DAY, timeZone) !== before) high = from + step * 10 * DAY
  }
  let low = from
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetName(middle, timeZone) === before) low = middle
    else high = middle
  }
  return high
}

const zone = fc.constantFrom(...ZONES)
const modern = fc.integer({ min: utc("1840-01-01"), max: utc("2060-01-01") })
const nudge = fc.oneof(fc.constantFrom(-1, 0, 1), fc.integer({ min: -2 * DAY, max: 2 * DAY }))
const place = fc.tuple(zone, modern, nudge, fc.boolean()).map(([timeZone, at, by, atChange]) => ({
  timeZone,
  at: (atChange ? nextChange(at, timeZone) : at) + by,
}))

/** What makes a window right: it begins and ends where the calendar first shows its days. */
const expectDay = (window: Window): void => {
  const { id, startsAt, endsAt, timeZone } = window
  expect(calendarDay(startsAt, timeZone)).toBe(id)
  expect(calendarDay(startsAt - 1, timeZone) < id).toBe(true)
  expect(calendarDay(endsAt - 1, timeZone) <= id).toBe(true)
  expect(calendarDay(endsAt, timeZone) > id).toBe(true)
}

const expectContains = (window: Window, at: number): void => {
  expect(window.startsAt).toBeLessThanOrEqual(at)
  expect(window.endsAt).toBeGreaterThan(at)
}

describe("the day of an instant", () => {
  test.each([
    ["UTC", "2026-03-10T00:00:00.000Z", "2026-03-10", "2026-03-10T00:00:00Z", 24],
    ["UTC", "2026-03-09T23:59:59.999Z", "2026-03-09", "2026-03-09T00:00:00Z", 24],
    ["UTC", "2028-02-29T12:00:00Z", "2028-02-29", "2028-02-29T00:00:00Z", 24],
    ["UTC", "1969-12-31T23:59:59.999Z", "1969-12-31", "1969-12-31T00:00:00Z", 24],
    ["America/New_York", "2026-03-08T15:00:00Z", "2026-03-08", "2026-03-08T05:00:00Z", 23],
    ["America/New_York", "2026-11-01T15:00:00Z", "2026-11-01", "2026-11-01T04:00:00Z", 25],
    ["Australia/Lord_Howe", "2026-04-05T00:00:00Z", "2026-04-05", "2026-04-04T13:00:00Z", 24.5],
    ["Australia/Lord_Howe", "2026-10-04T00:00:00Z", "2026-10-04", "2026-10-03T13:30:00Z", 23.5],
    ["Africa/Cairo", "2026-04-24T10:00:00Z", "2026-04-24", "2026-04-23T22:00:00Z", 23],
    ["Asia/Beirut", "2026-03-29T10:00:00Z", "2026-03-29", "2026-03-28T22:00:00Z", 23],
    ["America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04", "2018-11-04T03:00:00Z", 23],
    ["America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-17", "2018-02-17T02:00:00Z", 25],
    ["Pacific/Apia", "2011-12-30T09:59:59.999Z", "2011-12-29", "2011-12-29T10:00:00Z", 24],
    ["Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31", "2011-12-30T10:00:00Z", 24],
    ["Asia/Kathmandu", "2026-03-10T18:15:00Z", "2026-03-11", "2026-03-10T18:15:00Z", 24],
    ["Pacific/Kiritimati", "2026-03-10T10:00:00Z", "2026-03-11", "2026-03-10T10:00:00Z", 24],
    // Across the date line: once a day was left out, once most of one was lived twice.
    ["Pacific/Kwajalein", "1993-08-21T12:00:00Z", "1993-08-22", "1993-08-21T12:00:00Z", 24],
    ["Pacific/Kwajalein", "1969-10-01T11:59:59.999Z", "1969-09-30", "1969-09-29T13:00:00Z", 47],
    // Clocks went from 00:01 back to 23:01: the day just begun is not left again.
    ["America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07", "2010-11-07T02:30:00Z", 25],
    ["America/St_Johns", "2010-11-07T03:00:00Z", "2010-11-07", "2010-11-07T02:30:00Z", 25],
  ])("in %s %s lies in %s, which begins at %s and lasts %d hours", (...row) => {
    const [timeZone, at, id, startsAt, length] = row
    const window = windowAt(utc(at), timeZone)
    expect(window).toEqual({ id, startsAt: utc(startsAt), endsAt: window.endsAt, timeZone })
    expect(hours(window)).toBe(length)
  })

  test("begins and ends where the zone's calendar first shows a day, in every zone", () => {
    fc.assert(
      fc.property(place, ({ timeZone, at }) => {
        const window = windowAt(at, timeZone)
        expectContains(window, at)
        expectDay(window)
      }),
      { numRuns: RUNS },
    )
  })

  test("is followed and preceded without gap or overlap, under rising ids", () => {
    fc.assert(
      fc.property(place, ({ timeZone, at }) => {
        const window = windowAt(at, timeZone)
        const following = windowAt(window.endsAt, timeZone)
        const preceding = windowAt(window.startsAt - 1, timeZone)
        expect(following.startsAt).toBe(window.endsAt)
        expect(preceding.endsAt).toBe(window.startsAt)
        expect(following.id > window.id && window.id > preceding.id).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })

  test("is the same for all its instants, whatever was asked before", () => {
    fc.assert(
      fc.property(place, fc.double({ min: 0, max: 1, noNaN: true }), ({ timeZone, at }, part) => {
        const window = windowAt(at, timeZone)
        const inside = window.startsAt + Math.floor(part * (window.endsAt - 1 - window.startsAt))
        for (const instant of [window.startsAt, inside, window.endsAt - 1]) {
          windowAt(at + 40 * DAY, timeZone)
          expect(windowAt(instant, timeZone)).toEqual(window)
        }
      }),
      { numRuns: RUNS },
    )
  })

  test("is found and has a valid id for every integer, to both ends of time and beyond", () => {
    const anywhere = fc.oneof(
      fc.maxSafeInteger(),
      fc.integer({ min: EARLIEST, max: LATEST }),
      fc.integer({ min: utc("-000001-12-01"), max: utc("0000-02-01") }),
      fc.integer({ min: utc("+009999-12-01"), max: utc("+010000-02-01") }),
      fc.integer({ min: LATEST - 3 * DAY, max: LATEST + 3 * DAY }),
      fc.integer({ min: EARLIEST - 3 * DAY, max: EARLIEST + 3 * DAY }),
    )
    fc.assert(
      fc.property(zone, anywhere, (timeZone, at) => {
        const window = windowAt(at, timeZone)
        expectContains(window, Math.min(Math.max(at, EARLIEST), LATEST - 1))
        expect(Schema.is(WindowId)(window.id)).toBe(true)
        if (window.endsAt < LATEST) {
          expect(windowAt(window.endsAt, timeZone).startsAt).toBe(window.endsAt)
        }
        if (window.startsAt > EARLIEST) {
          expect(windowAt(window.startsAt - 1, timeZone).endsAt).toBe(window.startsAt)
        }
      }),
      { numRuns: RUNS },
    )
  })

  test("holds all time before the year 0 in the first day an id can name", () => {
    const first = { id: "0000-01-01", startsAt: EARLIEST, endsAt: utc("0000-01-02T00:00:00Z") }
    for (const at of [Number.MIN_SAFE_INTEGER, utc("-000044-03-15"), utc("0000-01-01T12:00Z")]) {
      expect(windowAt(at, "UTC")).toEqual({ ...first, timeZone: "UTC" })
    }
  })

  test("is named with the right year in the first century and after the year 9999", () => {
    expect(windowAt(utc("0042-06-01"), "UTC").id).toBe("0042-06-01")
    expect(windowAt(utc("+012026-06-01"), "UTC").id).toBe("12026-06-01")
  })

  test("is refused for a zone nobody knows", () => {
    expect(() => windowAt(0, "Mars/Olympus")).toThrow(RangeError)
  })
})

describe("the window that is open next", () => {
  const from = (at: string, timeZone: string): Window => windowAt(utc(at), timeZone)

  test("stays the open one until the instant it ends", () => {
    const open = from("2026-03-10T12:00:00Z", "UTC")
    expect(nextWindow(open, open.endsAt - 1, "UTC")).toBe(open)
    expect(nextWindow(open, open.endsAt, "UTC").id).toBe("2026-03-11")
  })

  test("is never an earlier one when the clock goes back", () => {
    fc.assert(
      fc.property(
        place,
        zone,
        fc.integer({ min: 1, max: 400 * DAY }),
        ({ timeZone, at }, other, back) => {
          const open = windowAt(at, timeZone)
          expect(nextWindow(open, at - back, timeZone)).toBe(open)
          expect(nextWindow(open, at - back, other)).toBe(open)
        },
      ),
      { numRuns: RUNS },
    )
  })

  test("is simply the one that contains the instant after a sleep of several days", () => {
    const open = from("2026-03-06T12:00:00Z", "America/New_York")
    const at = utc("2026-03-11T12:00:00Z")
    const awake = nextWindow(open, at, "America/New_York")
    expect(awake).toEqual(windowAt(at, "America/New_York"))
    expect(awake.id).toBe("2026-03-11")
  })

  test.each([
    // East: what is left of the new zone's day.
    ["UTC", "Asia/Kathmandu", "2026-03-11", "2026-03-11T18:15:00Z", 18.25],
    // West: the new zone is still in the day just used, so the rest of it joins the next.
    ["UTC", "America/Los_Angeles", "2026-03-11", "2026-03-12T07:00:00Z", 31],
    ["UTC", "Atlantic/Azores", "2026-03-11", "2026-03-12T01:00:00Z", 25],
    // Across the date line, both ways.
    ["Pacific/Kiritimati", "Pacific/Midway", "2026-03-12", "2026-03-13T11:00:00Z", 49],
    ["Pacific/Midway", "Pacific/Kiritimati", "2026-03-12", "2026-03-12T10:00:00Z", 23],
    ["UTC", "Africa/Abidjan", "2026-03-11", "2026-03-12T00:00:00Z", 24],
  ])("after a change from %s to %s is %s, until %s, %d hours", (before, after, id, end, length) => {
    const open = from("2026-03-10T12:00:00Z", before)
    const expected = { id, startsAt: open.endsAt, endsAt: utc(end), timeZone: after }
    for (const at of [open.endsAt, utc(end) - 1]) {
      const next = nextWindow(open, at, after)
      expect(next).toEqual(expected)
      expect(hours(next)).toBe(length)
    }
    expect(nextWindow(open, utc(end), after)).toEqual(windowAt(utc(end), after))
  })

  test("tiles the time line under rising ids through any changes of zone and any sleeps", () => {
    const step = fc.record({
      timeZone: fc.option(zone, { nil: null }),
      asleepMs: fc.oneof(
        fc.constantFrom(-1, 0, 1),
        fc.integer({ min: -3 * DAY, max: 3 * DAY }),
        fc.integer({ min: 0, max: 20 * DAY }),
      ),
    })
    fc.assert(
      fc.property(place, fc.array(step, { maxLength: 12 }), (origin, steps) => {
        let timeZone = origin.timeZone
        let open = windowAt(origin.at, timeZone)
        for (const { timeZone: chosen, asleepMs } of steps) {
          timeZone = chosen ?? timeZone
          const at = open.endsAt + asleepMs
          const next = nextWindow(open, at, timeZone)
          if (asleepMs < 0) expect(next).toBe(open)
          else {
            expectContains(next, at)
            expect(next.startsAt).toBeGreaterThanOrEqual(open.endsAt)
            expect(next.id > open.id).toBe(true)
            expect(next.timeZone).toBe(timeZone)
            expect(hours(next)).toBeLessThanOrEqual(75)
          }
          open = next
        }
      }),
      { numRuns: RUNS },
    )
  })

  test("follows without a gap, and gives each instant one window however it is reached", () => {
    fc.assert(
      fc.property(place, zone, fc.nat(6 * DAY), ({ timeZone, at }, other, laterMs) => {
        const open = windowAt(at, timeZone)
        const target = open.endsAt + laterMs
        let walked = nextWindow(open, open.endsAt, other)
        expect(walked.startsAt).toBe(open.endsAt)
        while (walked.endsAt <= target) {
          const following = nextWindow(walked, walked.endsAt, other)
          expect(following.startsAt).toBe(walked.endsAt)
          walked = following
        }
        expect(nextWindow(open, target, other)).toEqual(walked)
      }),
      { numRuns: RUNS },
    )
  })

  test("stays the last one at the end of time", () => {
    const last = windowAt(LATEST, "UTC")
    expect(last.endsAt).toBe(LATEST)
    expect(nextWindow(last, Number.MAX_SAFE_INTEGER, "Pacific/Midway")).toBe(last)
    expect(nextWindow(last, Number.MAX_SAFE_INTEGER, "Pacific/Kiritimati")).toBe(last)
    const beforeLast = { ...last, startsAt: last.startsAt - HOUR, endsAt: LATEST - HOUR }
    expect(nextWindow(beforeLast, LATEST, "Pacific/Midway")).toBe(beforeLast)
  })

  test("rises from the year 9999 into the year 10000", () => {
    const open = windowAt(utc("+009999-12-31T12:00:00Z"), "UTC")
    expect(nextWindow(open, open.endsAt, "UTC").id).toBe("10000-01-01")
  })
})

describe("a clock that was set back", () => {
  const open = windowAt(utc("2026-03-10T12:00:00Z"), "UTC")

  test("is told apart only when it reads more than 26 hours before the open window", () => {
    expect(clockSteppedBack(open, open.startsAt - 26 * HOUR - 1)).toBe(true)
    expect(clockSteppedBack(open, open.startsAt - 26 * HOUR)).toBe(false)
    expect(clockSteppedBack(open, open.startsAt)).toBe(false)
    expect(clockSteppedBack(open, open.endsAt + 30 * DAY)).toBe(false)
  })
})
