/** Where Stint writes what a program's own words have no place for: pino, in what it needs of one. */
import { writeSync } from "node:fs"
import { createRequire } from "node:module"
import { inspect } from "node:util"
import type { Logger, pino } from "pino"

type Write = (about: object, words: string) => void

/** Any pino logger is one. */
export interface Log {
  readonly fatal: Write
  readonly error: Write
  readonly warn: Write
  readonly debug: Write
  readonly isLevelEnabled: (level: string) => boolean
}

const LEVEL = "warn"
const ENABLED: ReadonlySet<string> = new Set(["fatal", "error", LEVEL])

/**
 * Warnings and worse, to stderr: stdout belongs to the program. pino is loaded with the first line,
 * because most runs write none and none of them should wait for it. In that line's own turn: the
 * program may end right after it. Never throws: a line is told without pino where it cannot be loaded.
 */
export const quietLog = (): Log => {
  let logger: Logger | null = null
  const write =
    (level: "fatal" | "error" | "warn"): Write =>
    (about, words) => {
      logger ??= openLogger()
      if (logger === null) tellPlainly(about, words)
      else logger[level](about, words)
    }
  return {
    fatal: write("fatal"),
    error: write("error"),
    warn: write("warn"),
    debug: () => {},
    isLevelEnabled: (level) => ENABLED.has(level),
  }
}

/** Null where pino cannot be read, as when no file can be opened any more; the next line tries again. */
const openLogger = (): Logger | null => {
  try {
    const open: typeof pino = createRequire(import.meta.url)("pino")
    return open({ name: "stint", level: LEVEL }, open.destination(2))
  } catch {
    return null
  }
}

const tellPlainly = (about: object, words: string): void => {
  try {
    writeSync(2, `stint: ${words}: ${inspect(about)}\n`)
  } catch {
    // Whoever read it has left.
  }
}
