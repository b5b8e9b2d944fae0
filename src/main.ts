/** The command line's front: finds the command that is meant, and gives it its arguments. */
import { readFileSync } from "node:fs"
import { nearest } from "./config/nearest.ts"
import { COMMANDS } from "./edges/cli/commands.ts"

/** Stint itself failed: bad configuration, a ledger that cannot be used. */
const EXIT_STINT_FAILED = 125

export const main = async (argv: readonly string[]): Promise<number> => {
  const [name, ...rest] = argv
  if (name === undefined || name === "--help" || name === "-h" || name === "help") return help()
  if (name === "--version") return version()
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) return unknown(name)
  const run = await command.load()
  return run(rest)
}

const help = (): number => {
  const lines = Object.entries(COMMANDS).map(
    ([name, { summary }]) => `  stint ${name.padEnd(12)} ${summary}`,
  )
  process.stdout.write(
    `stint runs AI agents on a budget\n\n${lines.join("\n")}\n\n` +
      "stint COMMAND --help tells its options; stint --version tells the version\n",
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
  const known = Object.keys(COMMANDS)
  const near = nearest(name, known)
  const advice = near === null ? `commands: ${known.join(", ")}` : `did you mean stint ${near}?`
  process.stderr.write(`stint: there is no command ${JSON.stringify(name)}; ${advice}\n`)
  return EXIT_STINT_FAILED
}
