/**
 * The live view: a picture redrawn in place on a terminal, plain lines without one.
 *
 * It draws on the ordinary screen and leaves the last picture standing, so what happened can be
 * read after the end. Cursor and line wrapping are given back on any exit.
 */
import type { Supervisor } from "../../../host/supervisor.ts"
import { frame } from "./frame.ts"
import { toldOf } from "./told.ts"

export interface Screen {
  readonly write: (text: string) => unknown
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
}

export interface ViewOptions {
  readonly screen: Screen
  readonly env: Readonly<Record<string, string | undefined>>
  /** How often the picture may change. */
  readonly everyMs?: number
}

export interface LiveView {
  /** Writes whole lines above the picture. */
  readonly print: (text: string) => void
  /** Draws the last picture and lets go of the terminal. */
  readonly close: () => void
}

const EVERY_MS = 100
const HIDE_CURSOR = "\x1b[?25l"
const SHOW_CURSOR = "\x1b[?25h"
const BEGIN_FRAME = "\x1b[?2026h\x1b[?7l"
const END_FRAME = "\x1b[?7h\x1b[?2026l"
const ERASE_TO_END = "\x1b[0J"
const ERASE_LINE_END = "\x1b[0K"
const RECENT_KEPT = 3

/** Colour only where somebody sees it, and has not asked for none (no-color.org). */
export const wantsColour = (screen: Screen, env: ViewOptions["env"]): boolean =>
  screen.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb"

export const openLiveView = (supervisor: Supervisor, options: ViewOptions): LiveView =>
  options.screen.isTTY === true && options.env.TERM !== "dumb"
    ? drawnView(supervisor, options)
    : plainView(supervisor, options)

const plainView = (supervisor: Supervisor, { screen }: ViewOptions): LiveView => {
  const stopListening = supervisor.on("*", (fact) => {
    const line = toldOf(fact)
    if (line !== null) screen.write(`${line}\n`)
  })
  return { print: (text) => screen.write(text), close: stopListening }
}

const drawnView = (supervisor: Supervisor, options: ViewOptions): LiveView => {
  const { screen } = options
  const recent: string[] = []
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
    const body = lines.map((line) => `${line}${ERASE_LINE_END}\n`).join("")
    screen.write(`${BEGIN_FRAME}${up}${body}${ERASE_TO_END}${END_FRAME}`)
    drawnLines = lines.length
  }
  const stopListening = supervisor.on("*", (fact) => {
    const line = toldOf(fact)
    if (line === null) return
    recent.push(line)
    recent.splice(0, recent.length - RECENT_KEPT)
  })
  const giveBack = (): void => {
    screen.write(SHOW_CURSOR)
  }
  screen.write(HIDE_CURSOR)
  process.once("exit", giveBack)
  const timer = setInterval(draw, options.everyMs ?? EVERY_MS)
  draw()
  const print = (text: string): void => {
    const up = drawnLines > 0 ? `\x1b[${drawnLines}A\r` : ""
    drawnLines = 0
    screen.write(`${BEGIN_FRAME}${up}${ERASE_TO_END}${END_FRAME}${text}`)
    draw()
  }
  return {
    print,
    close: () => {
      clearInterval(timer)
      stopListening()
      draw()
      process.removeListener("exit", giveBack)
      giveBack()
    },
  }
}
