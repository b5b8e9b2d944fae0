/** The command line's table of contents; each command loads what it needs when it is called. */
import { readFileSync } from "node:fs"

type Command = (argv: readonly string[]) => Promise<number>

interface Entry {
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Stint itself failed: bad configuration, a ledger that cannot be used. */
const EXIT_STINT_FAILED = 125

const COMMANDS: Readonly<Record<string, Entry>> = {
  run: {
    summary: "run a command, or a plan of many, on the budget",
    load: async () => {
      const { runCommand } = await import("./edges/cli/run.ts")
      return (argv) => runCommand(argv, { ...terminal(), stdin: process.stdin })
    },
  },
  replay: {
    summary: "what would this budget have done? reads recorded usage, calls nothing",
    load: async () => {
      const { replayCommand } = await import("./edges/cli/replay.ts")
      return (argv) => replayCommand([...argv], terminal())
    },
  },
}

const terminal = () => ({
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  columns: process.stdout.columns ?? 80,
  isTTY: process.stdout.isTTY === true,
})

export const main = async (argv: readonly string[]): Promise<number> => {
  const [name, ...rest] = argv
  if (name === undefined || name === "--help" || name === "help") return help()
  if (name === "--version") return version()
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) return unknown(name)
  const run = await command.load()
  return run(rest)
}

const help = (): number => {
  const lines = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  stint ${name.padEnd(10)} ${summary}`,
  )
  process.stdout.write(
    `stint runs AI agents on a budget\n\n${lines.join("\n")}\n\n` +
      "stint COMMAND --help tells the options of each; stint --version tells the version\n",
  )
  return 0
}

const version = (): number => {
  const manifest = new URL(
    import.meta.url.endsWith(".ts") ? "../package.json" : "../../package.json",
    import.meta.url,
  )
  const { version: number }: { version: string } = JSON.parse(readFileSync(manifest, "utf8"))
  process.stdout.write(`${number}\n`)
  return 0
}

const unknown = (name: string): number => {
  const known = Object.keys(COMMANDS).join(", ")
  process.stderr.write(`stint: there is no command ${JSON.stringify(name)}; commands: ${known}\n`)
  return EXIT_STINT_FAILED
}
