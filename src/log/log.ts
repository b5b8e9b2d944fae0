/** Where Stint writes what a program's own words have no place for: pino, in what it needs of one. */
import type { Logger } from "pino"

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
 * because most runs write none and none of them should wait for it; lines keep their order.
 */
export const quietLog = (): Log => {
  let loading: Promise<Logger> | null = null
  const write =
    (level: "fatal" | "error" | "warn"): Write =>
    (about, words) => {
      loading ??= import("pino").then(({ default: pino }) =>
        pino({ name: "stint", level: LEVEL }, pino.destination(2)),
      )
      void loading.then((logger) => logger[level](about, words))
    }
  return {
    fatal: write("fatal"),
    error: write("error"),
    warn: write("warn"),
    debug: () => {},
    isLevelEnabled: (level) => ENABLED.has(level),
  }
}
