/** A folder in the shape of `/proc`, to make what a real kernel does only once in a long while. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface FakeProcess {
  readonly pid: number
  readonly ppid?: number
  readonly pgid?: number
  readonly sid?: number
  readonly startTime: number
  readonly name?: string
  readonly state?: string
  readonly threads?: number
  readonly env?: Readonly<Record<string, string>>
}

export class FakeProc {
  readonly root = mkdtempSync(join(tmpdir(), "stint-proc-"))

  constructor(bootId = "boot-1") {
    mkdirSync(join(this.root, "sys/kernel/random"), { recursive: true })
    this.boot(bootId)
    this.uptime(1000)
  }

  boot(bootId: string): void {
    writeFileSync(join(this.root, "sys/kernel/random/boot_id"), `${bootId}\n`)
  }

  uptime(seconds: number): void {
    writeFileSync(join(this.root, "uptime"), `${seconds.toFixed(2)} 0.00\n`)
  }

  put(fake: FakeProcess): void {
    const { pid, ppid = 1, pgid = pid, sid = pgid, startTime } = fake
    const { name = "agent", state = "S", threads = 1, env = {} } = fake
    const folder = join(this.root, String(pid))
    mkdirSync(folder, { recursive: true })
    const middle = `0 -1 4194560 ${"0 ".repeat(8)}20 0 ${threads} 0 ${startTime}`
    const head = `${pid} (${name}) ${state} ${ppid} ${pgid} ${sid}`
    writeFileSync(join(folder, "stat"), `${head} ${middle} 1000 2000\n`)
    const words = Object.entries(env).map(([key, value]) => `${key}=${value}\0`)
    writeFileSync(join(folder, "environ"), words.join(""))
  }

  end(pid: number): void {
    rmSync(join(this.root, String(pid)), { recursive: true })
  }

  remove(): void {
    rmSync(this.root, { recursive: true })
  }
}
