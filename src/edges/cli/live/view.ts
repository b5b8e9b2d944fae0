/**
 * The live view: a picture redrawn in place on a terminal, plain lines without one.
 *
 * It draws on the ordinary screen and leaves the last picture standing, so what happened can be
 * read after the end. Cursor and line wrapping are given back on any exit.
 */
import type { Summary } from "../../../../machines/budget/summary.ts"
import type { Fact } from "../../../../machines/facts.ts"
import { frame } from "./frame.ts"
import { toldOf } from "./told.ts"

export interface Screen {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean
  readonly columns?: number | undefined
  readonly rows?: number | undefined
  /** It has not taken what it was given; no picture is drawn meanwhile. */
  readonly writableNeedDrain?: boolean
  /** Where `write` is asynchronous: for the last moment of the process. */
  readonly writeNow?: (text: string) => unknown
}

/** What the picture is drawn from: a supervisor, or a run's part in a shared day. */
export interface Viewed {
  readonly summary: () => Summary
  readonly waiting: () => number
  readonly now: () => number
  readonly on: (type: "*", listener: (fact: Fact) => void) => () => void
}

export interface ViewOptions {
  readonly screen: Screen
  readonly env: Readonly<Record<string, string | undefined>>
  /** How often the picture may change. */
  readonly everyMs?: number
}

export interface LiveView {
  /** Writes whole lines above the picture, at the next change of it. */
  readonly print: (text: string) => void
  /** Gives the terminal back for as long as the program stands still; `resume` takes it again. */
  readonly suspend: () => void
  readonly resume: () => void
  /** Draws the last picture and lets go of the terminal. */
  readonly close: () => void
}

const EVERY_MS = 100
const HIDE_CURSOR = "\x1b[?25l"
const SHOW_CURSOR = "\x1b[?25h"
const WRAP = "\x1b[?7h"
const NO_WRAP = "\x1b[?7l"
const BEGIN_FRAME = `\x1b[?2026h${NO_WRAP}`
const END_FRAME = `${WRAP}\x1b[?2026l`
const RESTORED = `${END_FRAME}${SHOW_CURSOR}`
const ERASE_TO_END = "\x1b[0J"
const ERASE_LINE_END = "\x1b[0K"
const RECENT_KEPT = 3

/** Colour only where somebody sees it, and has not asked for none (no-color.org). */
export const wantsColour = (screen: Screen, env: ViewOptions["env"]): boolean =>
  screen.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb"

export const openLiveView = (supervisor: Viewed, options: ViewOptions): LiveView =>
  options.screen.isTTY === true && options.env.TERM !== "dumb"
    ? drawnView(supervisor, options)
    : plainView(supervisor, options)

const plainView = (supervisor: Viewed, { screen }: ViewOptions): LiveView => {
  const stopListening = supervisor.on("*", (fact) => {
    const line = toldOf(fact)
    if (line !== null) screen.write(`${line}\n`)
  })
  return {
    print: (text) => screen.write(text),
    suspend: () => {},
    resume: () => {},
    close: stopListening,
  }
}

/** Lines wait for the next picture, unless there are as many bytes of them as this. */
const PRINTED_BYTES_MAX = 1 << 16

const drawnView = (supervisor: Viewed, options: ViewOptions): LiveView => {
  const { screen } = options
  const recent: string[] = []
  let printed = ""
  let drawnLines = 0
  const draw = (): void => {
    const lines = frame(supervisor.summary(), {
      columns: screen.columns ?? 80,
      rows: screen.rows ?? 24,
      colour: wantsColour(screen, options.env),
      now: supervisor.now(),
      waiting: supervisor.waiting(),
      recent,
    })
    const up = drawnLines > 0 ? `\x1b[${drawnLines}A\r` : ""
    const above = printed === "" ? "" : `${ERASE_TO_END}${WRAP}${printed}${NO_WRAP}`
    const body = lines.map((line) => `${line}${ERASE_LINE_END}\n`).join("")
    screen.write(`${BEGIN_FRAME}${up}${above}${body}${ERASE_TO_END}${END_FRAME}`)
    printed = ""
    drawnLines = lines.length
  }
  const drawIfTaken = (): void => {
    if (screen.writableNeedDrain !== true) draw()
  }
  const stopListening = supervisor.on("*", (fact) => {
    const line = toldOf(fact)
    if (line === null) return
    recent.push(line)
    recent.splice(0, recent.length - RECENT_KEPT)
  })
  const terminal = takeTerminal(screen, drawIfTaken, options.everyMs ?? EVERY_MS)
  draw()
  return {
    print: (text) => {
      printed += text
      if (printed.length > PRINTED_BYTES_MAX) draw()
    },
    suspend: () => terminal.giveBackNow(),
    resume: () => {
      // What stands on the screen now is the shell's: the picture begins below it.
      drawnLines = 0
      terminal.take()
    },
    close: () => {
      stopListening()
      draw()
      terminal.giveBack()
    },
  }
}

/** The cursor is hidden while pictures are drawn, and shown again however this ends. */
const takeTerminal = (screen: Screen, draw: () => void, everyMs: number) => {
  let timer: NodeJS.Timeout | undefined
  const showNow = (): void => {
    if (screen.writeNow === undefined) screen.write(RESTORED)
    else screen.writeNow(RESTORED)
  }
  const take = (): void => {
    screen.write(HIDE_CURSOR)
    process.once("exit", showNow)
    timer = setInterval(draw, everyMs)
  }
  const giveBack = (show: () => unknown): void => {
    clearInterval(timer)
    process.removeListener("exit", showNow)
    show()
  }
  take()
  return {
    take,
    giveBack: () => giveBack(() => screen.write(RESTORED)),
    /** For a program that stands still the moment after. */
    giveBackNow: () => giveBack(showNow),
  }
}
