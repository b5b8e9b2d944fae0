/**
 * Which day of a time zone an instant belongs to, and where that day begins and ends.
 *
 * A day begins at the first instant at which the zone's calendar shows it, or a later one, and
 * ends where the next one begins. It may last 23, 24.5, 25 or 48 hours, may not begin at
 * midnight, and may not exist at all. Where a clock is set back across midnight the calendar
 * returns to a day it had left; the window does not, because a closed day stays closed.
 */
import type { Instant, WindowId } from "../vocabulary.ts"
import type { Window } from "./row.ts"

const MS_PER_HOUR = 3_600_000
const MS_PER_DAY = 24 * MS_PER_HOUR

/** The range of `Date`; the last window ends at its last instant. */
const EARLIEST_INSTANT = -8_640_000_000_000_000
const LATEST_INSTANT = 8_640_000_000_000_000

/** Ids have no sign: the day 0000-01-01 holds everything before it too. Days count from 1970. */
const FIRST_DAY = -719_528
const FIRST_DAY_AT_UTC = FIRST_DAY * MS_PER_DAY

/** No zone has ever changed its offset twice within three days, so no change hides in a step. */
const STEP_MS = 12 * MS_PER_HOUR
/**
 * A window lasts up to 50 hours and a clock set back takes up to 31 to show new days again
 * (offsets lie within 15:14 of UTC): four days back the walk starts, and its first windows,
 * which may be wrong, are over before the one that is asked for begins.
 */
const LOOK_BACK_MS = 4 * MS_PER_DAY
const LOOK_AHEAD_MS = 3 * MS_PER_DAY

const CLOCK_STEP_TOLERANCE_MS = 26 * MS_PER_HOUR

/** The first instant of a day, or of a stretch of constant offset. */
interface Beginning {
  readonly at: Instant
  readonly day: number
}

interface Stretch {
  readonly startsAt: Instant
  readonly endsAt: Instant
  readonly offsetMs: number
}

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
type OffsetAt = (at: Instant) => number

interface Zone {
  readonly offsetAt: OffsetAt
  /** The window last asked for: most questions follow each other within a day. */
  last: Window | null
}

/** Memoisation only: the same time-zone data gives the same answers with it or without. */
const zones = new Map<string, Zone>()

/**
 * The window that contains an instant.
 *
 * Total for every integer `at`: outside the range of `Date` it is read as the nearest instant
 * inside. `timeZone` is an IANA name; an unknown one is a `RangeError`, so settings are checked
 * before they get here.
 */
export function windowAt(at: Instant, timeZone: string): Window {
  const zone = zoneNamed(timeZone)
  const within = withinRange(at)
  if (zone.last !== null && contains(zone.last, within)) return zone.last
  zone.last = findWindow(within, timeZone, zone.offsetAt)
  return zone.last
}

/**
 * The window that is open at `at`, given the one that was open before: never an earlier one.
 *
 * A clock that went back, and a new time zone, leave the open window as it is until it ends.
 * The first window of a new zone begins there, so that no instant belongs to two; after a long
 * sleep it is simply the one that contains `at`. Never more than one window for one id.
 */
export function nextWindow(previous: Window, at: Instant, timeZone: string): Window {
  const within = withinRange(at)
  if (within < previous.endsAt) return previous
  const following = windowAfter(previous, timeZone)
  const stays = following === previous || within < following.endsAt
  return stays ? following : windowAt(within, timeZone)
}

/** Whether the clock reads so long before the open window that it must have been set back. */
export function clockSteppedBack(openWindow: Window, at: Instant): boolean {
  return at < openWindow.startsAt - CLOCK_STEP_TOLERANCE_MS
}

/**
 * The window that begins where `previous` ends.
 *
 * In the same zone that is the next day. In a new zone it is what is left of the new zone's
 * day, unless that day's id was used already: then the rest of it is joined to the day after,
 * because two windows of one id would share, or double, one day's budget. At the end of time,
 * where no later id is left, it is `previous` itself.
 */
function windowAfter(previous: Window, timeZone: string): Window {
  let following = windowAt(previous.endsAt, timeZone)
  while (!isLater(following.id, previous.id)) {
    if (following.endsAt >= LATEST_INSTANT) return previous
    following = windowAt(following.endsAt, timeZone)
  }
  return following.startsAt === previous.endsAt
    ? following
    : { ...following, startsAt: previous.endsAt }
}

function findWindow(at: Instant, timeZone: string, offsetAt: OffsetAt): Window {
  const anchor = Math.max(at, FIRST_DAY_AT_UTC)
  const beginnings = dayBeginnings(stretchesAround(anchor, offsetAt))
  const open = beginnings.findLast((beginning) => beginning.at <= anchor)
  const following = beginnings.find(({ at, day }) => at > anchor && day > FIRST_DAY)
  if (open === undefined) throw new RangeError(`No day of ${timeZone} found at instant ${at}.`)
  return {
    id: dayId(Math.max(open.day, FIRST_DAY)),
    startsAt: open.day <= FIRST_DAY ? EARLIEST_INSTANT : open.at,
    endsAt: following?.at ?? LATEST_INSTANT,
    timeZone,
  }
}

/** The days that begin within the stretches, each later than all before it; the first is cut. */
function dayBeginnings(stretches: readonly Stretch[]): readonly Beginning[] {
  const beginnings: Beginning[] = []
  let reached = Number.NEGATIVE_INFINITY
  for (const { startsAt, endsAt, offsetMs } of stretches) {
    const firstDay = dayOf(startsAt + offsetMs)
    const lastDay = dayOf(endsAt - 1 + offsetMs)
    for (let day = Math.max(firstDay, reached + 1); day <= lastDay; day++) {
      beginnings.push({ at: Math.max(startsAt, day * MS_PER_DAY - offsetMs), day })
      reached = day
    }
  }
  return beginnings
}

function stretchesAround(at: Instant, offsetAt: OffsetAt): readonly Stretch[] {
  const until = Math.min(at + LOOK_AHEAD_MS, LATEST_INSTANT)
  const stretches: Stretch[] = []
  let startsAt = at - LOOK_BACK_MS
  let offsetMs = offsetAt(startsAt)
  let known = startsAt
  while (known < until) {
    const probe = Math.min(known + STEP_MS, until)
    const offsetThere = offsetAt(probe)
    if (offsetThere !== offsetMs) {
      const changedAt = offsetChange(known, probe, offsetAt)
      stretches.push({ startsAt, endsAt: changedAt, offsetMs })
      startsAt = changedAt
      offsetMs = offsetThere
    }
    known = probe
  }
  stretches.push({ startsAt, endsAt: until, offsetMs })
  return stretches
}

/** The first instant of the new offset, by bisection; `before` and `after` are on its two sides. */
function offsetChange(before: Instant, after: Instant, offsetAt: OffsetAt): Instant {
  const offsetBefore = offsetAt(before)
  let low = before
  let high = after
  while (high - low > 1) {
    const middle = low + Math.floor((high - low) / 2)
    if (offsetAt(middle) === offsetBefore) low = middle
    else high = middle
  }
  return high
}

/** Old local mean times have odd seconds. */
function offsetShown(at: Instant, calendar: Intl.DateTimeFormat): number {
  const wholeSecond = Math.floor(at / 1000) * 1000
  const shown = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 }
  let beforeChrist = false
  for (const { type, value } of calendar.formatToParts(wholeSecond)) {
    if (type === "era") beforeChrist = value.startsWith("B")
    else if (isShown(type)) shown[type] = Number(value)
  }
  const year = beforeChrist ? 1 - shown.year : shown.year
  // Not Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  const dateMs = new Date(0).setUTCFullYear(year, shown.month - 1, shown.day)
  const timeMs = ((shown.hour * 60 + shown.minute) * 60 + shown.second) * 1000
  return dateMs + timeMs - wholeSecond
}

function isShown(type: string): type is "year" | "month" | "day" | "hour" | "minute" | "second" {
  return /^(year|month|day|hour|minute|second)$/.test(type)
}

function zoneNamed(timeZone: string): Zone {
  const known = zones.get(timeZone)
  if (known !== undefined) return known
  const zone: Zone = { offsetAt: offsetsOf(timeZone), last: null }
  zones.set(timeZone, zone)
  return zone
}

function offsetsOf(timeZone: string): OffsetAt {
  // Known without time-zone data, whose first use takes long.
  if (timeZone === "UTC") return () => 0
  const calendar = new Intl.DateTimeFormat("en-US", {
    calendar: "gregory",
    numberingSystem: "latn",
    hourCycle: "h23",
    timeZone,
    era: "short",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  })
  return (at) => offsetShown(at, calendar)
}

/**
 * The last instant of all is left out, because every window ends after what it contains. Before
 * the earliest one `findWindow` answers anyway, with the first day.
 */
function withinRange(at: Instant): Instant {
  return Math.min(at, LATEST_INSTANT - 1)
}

function contains(window: Window, at: Instant): boolean {
  return window.startsAt <= at && at < window.endsAt
}

function dayOf(wallClockMs: number): number {
  return Math.floor(wallClockMs / MS_PER_DAY)
}

function dayId(day: number): WindowId {
  const date = new Date(day * MS_PER_DAY)
  const year = String(date.getUTCFullYear()).padStart(4, "0")
  const month = String(date.getUTCMonth() + 1).padStart(2, "0")
  return `${year}-${month}-${String(date.getUTCDate()).padStart(2, "0")}`
}

/** Years from 10000 on are longer, and later. */
function isLater(id: WindowId, than: WindowId): boolean {
  return id.length === than.length ? id > than : id.length > than.length
}
