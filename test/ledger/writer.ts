/** Starts `writer.process.ts` and follows what it says. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { onTestFinished } from "vitest"

export interface Writer {
  readonly pid: number
  /** What it said so far. */
  readonly lines: readonly string[]
  /** Resolves with the line once something was said so many times; rejects when it ends before. */
  readonly said: (word: "opened" | "acked", times: number) => Promise<void>
  /** Resolves when it is gone and all it said has been read; with its exit code, null if killed. */
  readonly ended: Promise<number | null>
  readonly kill: () => Promise<void>
  /** The last row it was told is on disk. */
  readonly lastAcked: () => number
}

export const startWriter = (path: string, callers: number): Writer => {
  const program = fileURLToPath(new URL("./writer.process.ts", import.meta.url))
  const child = spawn(process.execPath, [program, path, String(callers)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  onTestFinished(() => {
    child.kill("SIGKILL")
  })
  const lines: string[] = []
  const changed = new Set<() => void>()
  const reader = createInterface({ input: child.stdout })
  reader.on("line", (line) => {
    lines.push(line)
    for (const look of changed) look()
  })
  const ended = once(child, "close").then(([code]) => {
    for (const look of changed) look()
    return typeof code === "number" ? code : null
  })
  const numbersOf = (word: string): readonly number[] =>
    lines.filter((line) => line.startsWith(word)).map((line) => Number(line.split(" ")[1]))

  return {
    pid: child.pid ?? 0,
    lines,
    said: (word, times) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (numbersOf(word).length >= times) resolve()
          else if (child.exitCode !== null || child.signalCode !== null)
            reject(new Error(`the writer ended after saying ${JSON.stringify(lines.slice(-3))}`))
        }
        changed.add(look)
        look()
      }),
    ended,
    kill: async () => {
      child.kill("SIGKILL")
      await ended
    },
    lastAcked: () => Math.max(0, ...numbersOf("acked")),
  }
}
