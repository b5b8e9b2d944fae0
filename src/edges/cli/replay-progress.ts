/** How far a replay has come, in one line that is written over itself. */
import type { ReplayProgress } from "../../replay/replay.ts"
import { bar } from "./bar.ts"
import { byteFigure, counted } from "./figures.ts"

const BAR = 24

export const replayProgressLine = (progress: ReplayProgress): string => {
  if (progress.phase === "replaying") {
    const { callsDone, callsTotal } = progress
    return `replaying  ${drawn(callsDone, callsTotal)}  ${counted(callsTotal, "call")}`
  }
  const { bytesRead, bytesTotal, calls } = progress
  const read = `${byteFigure(bytesRead)} of ${byteFigure(Math.max(bytesRead, bytesTotal))}`
  return `reading    ${drawn(bytesRead, bytesTotal)}  ${read}, ${counted(calls, "call")}`
}

const drawn = (done: number, total: number): string => {
  const { filled, rest } = bar(total > 0 ? done / total : 0, BAR)
  return filled + rest
}
