import { spawn, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, onTestFinished, test } from "vitest"
import { openSqliteLedger } from "../../src/ledger/sqlite.ts"
import { eventually } from "../runners/proc-reader.ts"
import { temporaryFolder } from "./temporary-folder.ts"

const PYTHON = "/usr/bin/python3"
const LACKING = fileURLToPath(new URL("./fixtures/lacking.py", import.meta.url))

/** Only root may mount, and only where the kernel offers FUSE. */
const cannotMount =
  process.getuid?.() !== 0 ||
  !existsSync("/dev/fuse") ||
  spawnSync(PYTHON, ["-c", "import fusepy"]).status !== 0
    ? "root, /dev/fuse and python3-fusepy are needed"
    : null

if (cannotMount !== null) process.stderr.write(`no file system without locks: ${cannotMount}\n`)

/** A real file system that lacks what is named, mounted for one test. */
const mounted = async (lacking: string): Promise<string> => {
  const folder = temporaryFolder()
  const [source, target] = [join(folder, "source"), join(folder, "target")]
  for (const each of [source, target]) mkdirSync(each)
  const device = statSync(target).dev
  const served = spawn(PYTHON, [LACKING, source, target, lacking], { stdio: "ignore" })
  const ended = new Promise((resolve) => served.once("exit", resolve))
  onTestFinished(async () => {
    spawnSync("umount", ["-l", target])
    await ended
  })
  await eventually(() => statSync(target).dev !== device)
  return target
}

test.skipIf(cannotMount !== null).each(["ENOLCK", "EOPNOTSUPP", "EINVAL", "MMAP"])(
  "a file system that answers %s is refused as one without locks, and told what would do",
  async (lacking) => {
    const folder = await mounted(lacking)
    const path = join(folder, "stint.db")
    const error = await openSqliteLedger(path).then(
      () => null,
      (refused) => refused,
    )
    expect(error).toMatchObject({ _tag: "LedgerUnavailable", reason: "no_locks", path })
    expect(error.message).toContain(path)
    expect(error.message).toContain(`the file system of ${folder} does not lock or share files`)
    expect(error.message).toContain("name a file on a local disk")
    expect(readdirSync(folder).filter((file) => file.includes("probe"))).toEqual([])
  },
)
