/** How long `stint run -- true` and `stint status` take beyond Node's own start, as built. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type BenchResult, median } from "./result.ts"

const ROOT = fileURLToPath(new URL("../../", import.meta.url))
const ROUNDS = 21

export const run = async (): Promise<readonly BenchResult[]> => {
  execFileSync("npm", ["run", "build"], { cwd: ROOT, stdio: "ignore" })
  const folder = mkdtempSync(join(tmpdir(), "stint-bench-"))
  const stint = join(ROOT, "dist/command/bin.js")
  const ledger = ["--ledger", join(folder, "stint.db")]
  const tookMs = (args: readonly string[]): number => {
    const started = performance.now()
    const { status } = spawnSync(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, XDG_CACHE_HOME: folder },
      stdio: "ignore",
    })
    if (status !== 0) throw new Error(`${args.join(" ")} ended with status ${status}`)
    return performance.now() - started
  }
  const runTrue = () => tookMs([stint, "run", ...ledger, "--", "true"])
  const status = () => tookMs([stint, "status", ...ledger])
  // The first of each fills the cache of compiled code.
  runTrue()
  status()
  const rounds = Array.from({ length: ROUNDS }, () => ({
    node: tookMs(["-e", "0"]),
    run: runTrue(),
    status: status(),
  }))
  rmSync(folder, { recursive: true })
  const figures = (name: string, of: (round: (typeof rounds)[number]) => number) => [
    { name: `${name}, median`, value: median(rounds.map(of)), unit: "ms" },
    { name: `${name}, fastest`, value: Math.min(...rounds.map(of)), unit: "ms" },
  ]
  const [beyond, ...others] = [
    ...figures("stint run -- true beyond node -e 0", (round) => round.run - round.node),
    ...figures("stint status beyond node -e 0", (round) => round.status - round.node),
    ...figures("node -e 0", ({ node }) => node),
  ]
  return beyond === undefined ? others : [{ ...beyond, target: { atMost: 300 } }, ...others]
}
