/**
 * Runs the fleet beside this file on a ledger of its own: `stint run fleet.yaml --ledger …`.
 *
 *   npm start                     twelve real processes, four slots, one budget
 *   npm start -- --inspect        also to an inspector on ws://localhost:8080
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const ledger = join(await mkdtemp(join(tmpdir(), "stint-")), "fleet.db")

const stint = spawn(
  process.execPath,
  [
    "--conditions=source",
    here("../../src/bin.ts"),
    "run",
    here("fleet.yaml"),
    "--ledger",
    ledger,
    ...process.argv.slice(2),
  ],
  { stdio: "inherit" },
)
// The terminal tells both of us; Stint decides what it means.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {})
const [status] = await once(stint, "exit")

/** What a run ends with when a limit stopped one of its agents: this fleet is made for that. */
const LIMIT_REACHED = 124
process.exitCode = status === LIMIT_REACHED ? 0 : (status ?? 1)
process.stdout.write(
  `\nStint ended with ${status}${status === LIMIT_REACHED ? ": limits stopped some of them, as they should" : ""}. ` +
    `Look again with: npx stint history --by agent --ledger ${ledger}\n`,
)
