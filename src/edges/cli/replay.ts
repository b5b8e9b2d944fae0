/** `stint replay`: what would this budget have done? */
import { createWriteStream } from "node:fs"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { openPriceBook } from "../../pricing/open-price-book.ts"
import { replay } from "../../replay/replay.ts"
import { codeOf, ReplayFailed } from "../../replay/replay-failed.ts"
import type { Replayed } from "../../replay/replayed.ts"
import { summaryJson } from "../../replay/summary-json.ts"
import { BadCall } from "./arguments.ts"
import { fitted } from "./columns.ts"
import { type CommandIo, type Output, wantsColour, write } from "./output.ts"
import { type ReplayCall, readReplayArguments, replayHelp } from "./replay-arguments.ts"
import { replayProgressLine } from "./replay-progress.ts"
import { replayReport, reportedReplay } from "./replay-report.ts"

const DONE = 0
const STINT_FAILED = 125

/** `argv` begins after the word `replay`. Resolves with the exit status: 0 or 125. */
export const replayCommand = async (argv: readonly string[], io: CommandIo): Promise<number> => {
  try {
    const call = await readReplayArguments(argv, io.env, io.cwd)
    if (call === null) await write(io.stdout, [replayHelp()])
    else await run(call, io)
    return DONE
  } catch (error) {
    // Whoever read the output has seen enough of it.
    if (codeOf(error) === "EPIPE") return DONE
    if (!(error instanceof BadCall || error instanceof ReplayFailed)) throw error
    const lines = error.message.split("\n").map((line) => `stint: ${line}\n`)
    await write(io.stderr, lines)
    return STINT_FAILED
  }
}

const run = async (call: ReplayCall, io: CommandIo): Promise<void> => {
  const talk = new Talk(io)
  for (const warning of call.warnings) talk.say(warning)
  const options = {
    paths: call.paths,
    settings: call.settings,
    prices: await openPriceBook(call.prices),
    idleMs: call.idleMs,
    onSkipped: talk.skipped,
    onProgress: talk.progress,
  }
  try {
    await replay(options, async (replayed) => {
      talk.end()
      if (call.summary !== null) await writeSummary(call.summary, replayed, io)
      await writeReport(call.summary === "-", replayed, io)
    })
  } finally {
    talk.end()
  }
}

const writeSummary = async (path: string, replayed: Replayed, io: CommandIo): Promise<void> => {
  if (path === "-") return write(io.stdout, summaryJson(replayed))
  try {
    await pipeline(Readable.from(summaryJson(replayed)), createWriteStream(path))
  } catch (error) {
    throw new BadCall(`--summary ${path}: cannot be written (${codeOf(error)})`)
  }
}

/** To standard output, unless the summary is there. */
const writeReport = (
  isAside: boolean,
  replayed: Replayed,
  { stdout, stderr, env, columns, isTTY }: CommandIo,
): Promise<void> => {
  const colour = wantsColour(env, isAside ? stderr.isTTY === true : isTTY)
  const lines = replayReport(reportedReplay(replayed), { width: columns ?? 80, colour })
  return write(isAside ? stderr : stdout, [`${lines.join("\n")}\n`])
}

/** So many damaged lines are named; the report counts them all. */
const NAMED_LINES = 5

/** What is said on standard error while it goes on: damaged lines, and on a terminal the progress. */
class Talk {
  readonly #stderr: Output
  readonly #width: number
  #skippedLines = 0
  #showsProgress = false

  constructor({ stderr, columns }: CommandIo) {
    this.#stderr = stderr
    this.#width = (columns ?? 80) - 1
  }

  readonly skipped = ({ file, line, why }: { file: string; line: number; why: string }): void => {
    this.#skippedLines += 1
    if (this.#skippedLines <= NAMED_LINES) this.say(`${file}:${line}: skipped: ${why}`)
    if (this.#skippedLines === NAMED_LINES + 1) this.say("more lines are damaged, and only counted")
  }

  readonly progress = (progress: Parameters<typeof replayProgressLine>[0]): void => {
    if (this.#stderr.isTTY !== true) return
    this.#stderr.write(`\r${replayProgressLine(progress).slice(0, this.#width)}\u001b[K`)
    this.#showsProgress = true
  }

  say(text: string): void {
    this.end()
    this.#stderr.write(`stint: ${fitted(text, 500)}\n`)
  }

  /** Takes the progress off the screen. */
  end(): void {
    if (this.#showsProgress) this.#stderr.write("\r\u001b[K")
    this.#showsProgress = false
  }
}
