/**
 * What would this budget have done? Recorded calls go through the real supervisor, each at its
 * own time; nothing is called, nothing is stopped, no ledger is touched.
 */
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import type { PriceBook } from "../pricing/price-book.ts"
import { readRecording } from "./read-recording.ts"
import { findRecordings, type Recording } from "./recognise.ts"
import type { SkippedLine } from "./recorded-call.ts"
import { ReplayFailed } from "./replay-failed.ts"
import type { Replayed } from "./replayed.ts"
import { Run } from "./run.ts"
import { openScratch, type Scratch } from "./scratch.ts"

export type ReplayProgress =
  | {
      readonly phase: "reading"
      readonly bytesRead: number
      readonly bytesTotal: number
      readonly calls: number
    }
  | { readonly phase: "replaying"; readonly callsDone: number; readonly callsTotal: number }

export interface ReplayOptions {
  /** Files, and folders that are searched for `.jsonl`, `.ndjson` and `.csv` (also `.gz`). */
  readonly paths: readonly string[]
  readonly settings: BudgetSettings
  /** What calls cost, by the name of their model; without them no call has a price. */
  readonly prices?: PriceBook
  /** A longer gap between two calls of an agent ends one admission and begins another. */
  readonly idleMs: number
  readonly onSkipped?: (skipped: SkippedLine) => void
  readonly onProgress?: (progress: ReplayProgress) => void
}

/**
 * Replays recordings and hands what was found to `use`, whose value is returned; what was kept
 * on disk is gone by then.
 * Throws `ReplayFailed`: a path that is missing or unreadable, a CSV without the columns, no
 * usage at all, no room in the temporary folder.
 */
export const replay = async <A>(
  options: ReplayOptions,
  use: (replayed: Replayed) => A | Promise<A>,
): Promise<A> => {
  const recordings = await findRecordings(options.paths)
  const scratch = await openScratch()
  try {
    const skippedLines = await load(scratch, recordings, options)
    const extent = scratch.place(options.idleMs)
    if (extent === null) throw noUsage(options.paths, recordings.length, skippedLines)
    const run = new Run(scratch, options, extent.firstAt)
    await run.all((callsDone) =>
      options.onProgress?.({ phase: "replaying", callsDone, callsTotal: extent.calls }),
    )
    return await use({ ...run.result(), extent, files: recordings.length, skippedLines })
  } catch (error) {
    throw isFullDisk(error) ? noRoom() : error
  } finally {
    scratch.close()
  }
}

/** Reads everything into the scratch; returns how many lines were skipped. */
const load = async (
  scratch: Scratch,
  recordings: readonly Recording[],
  { onSkipped, onProgress }: ReplayOptions,
): Promise<number> => {
  const bytesTotal = recordings.reduce((sum, { bytes }) => sum + bytes, 0)
  let bytesRead = 0
  let skippedLines = 0
  const onBytes = (bytes: number): void => {
    bytesRead += bytes
    onProgress?.({ phase: "reading", bytesRead, bytesTotal, calls: scratch.calls })
  }
  for (const recording of recordings)
    for await (const batch of readRecording(recording, { onBytes }))
      for (const recorded of batch) {
        if (recorded.kind === "call") scratch.add(recorded.call)
        else {
          skippedLines += 1
          onSkipped?.(recorded.skipped)
        }
      }
  return skippedLines
}

const noUsage = (paths: readonly string[], files: number, skippedLines: number): ReplayFailed => {
  const searched = `${files} file${files === 1 ? "" : "s"}`
  const skipped = skippedLines > 0 ? `, ${skippedLines} damaged lines skipped` : ""
  return new ReplayFailed({
    reason: "no_usage",
    path: paths[0] ?? null,
    message:
      `${paths.join(", ")}: no usage found (${searched} read${skipped}). ` +
      "Expected Claude Code logs (.jsonl), or usage as NDJSON or CSV.",
  })
}

const SQLITE_FULL = 13

const isFullDisk = (error: unknown): boolean =>
  error instanceof Error && "errcode" in error && error.errcode === SQLITE_FULL

const noRoom = (): ReplayFailed =>
  new ReplayFailed({
    reason: "no_room",
    path: null,
    message: "The temporary folder is full. Set SQLITE_TMPDIR to a folder with more room.",
  })
