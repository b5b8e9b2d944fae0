/** A command called in this process, and what was heard of it. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Writable } from "node:stream"
import { onTestFinished } from "vitest"
import type { CommandIo } from "../../../src/edges/cli/output.ts"

export class Heard extends Writable {
  text = ""
  readonly isTTY: boolean

  constructor(isTTY = false) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
  }

  override _write(chunk: string, _: string, done: () => void): void {
    this.text += chunk
    done()
  }
}

export const emptyFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "stint-cli-"))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Given {
  readonly cwd: string
  readonly env?: Record<string, string>
  readonly columns?: number
  readonly isTTY?: boolean
}

/** Calls `command` with captured output; its home is its folder. */
export const hear = async (command: (io: CommandIo) => Promise<number>, given: Given) => {
  const stdout = new Heard(given.isTTY)
  const stderr = new Heard()
  const status = await command({
    stdout,
    stderr,
    env: { HOME: given.cwd, PATH: process.env.PATH ?? "", ...given.env },
    cwd: given.cwd,
    columns: given.columns,
    isTTY: stdout.isTTY,
  })
  return { status, stdout: stdout.text, stderr: stderr.text }
}
