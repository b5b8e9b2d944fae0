/** A bar in eighths of a character, dotted where it is empty, with a tick where a warning begins. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const

export interface Bar {
  readonly filled: string
  readonly rest: string
}

/** `share` and `tick` are fractions of the whole; a share beyond 1 fills the bar. */
export const bar = (share: number, width: number, tick: number | null = null): Bar => {
  const eighths = Math.round(Math.min(Math.max(share, 0), 1) * width * 8)
  // What was used at all shows, however little it is.
  const shown = share > 0 ? Math.max(eighths, 1) : 0
  const filled = "█".repeat(Math.floor(shown / 8)) + (EIGHTHS[shown % 8] ?? "")
  const tickAt = tick === null ? -1 : Math.min(Math.floor(tick * width), width - 1)
  const rest = Array.from({ length: width }, (_, at) => (at === tickAt ? "│" : "·"))
  return { filled, rest: rest.slice(filled.length).join("") }
}
