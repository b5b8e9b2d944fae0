/**
 * `npm run bench [NAME…]`: every bench in a process of its own, one after the other.
 *
 * Figures are medians of interleaved rounds; a ratio compares two things of one run, so a noisy
 * machine disturbs both. Exit status 1 when a target is missed.
 */
import { spawnSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { cpus, totalmem } from "node:os"
import xstate from "xstate/package.json" with { type: "json" }
import { type BenchResult, meets } from "./result.ts"

const FOLDER = new URL("./", import.meta.url)
const wanted = process.argv.slice(2)
const benches = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".bench.ts"))
  .map((file) => file.replace(/\.bench\.ts$/, ""))
  .filter((name) => wanted.length === 0 || wanted.includes(name))

const MARK = "@results "

const runOne = (name: string): readonly BenchResult[] => {
  const program = `
    const { run } = await import(${JSON.stringify(new URL(`${name}.bench.ts`, FOLDER).href)})
    const line = ${JSON.stringify(`\n${MARK}`)} + JSON.stringify(await run()) + "\\n"
    process.stdout.write(line, () => process.exit(0))`
  const child = spawnSync(
    process.execPath,
    ["--expose-gc", "--conditions=source", "--input-type=module", "-e", program],
    { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 26 },
  )
  const line = child.stdout.split("\n").findLast((text) => text.startsWith(MARK))
  if (line === undefined) throw new Error(`bench ${name} ended with status ${child.status}`)
  return JSON.parse(line.slice(MARK.length))
}

const shown = ({ value, unit }: BenchResult): string => {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 3
  return `${value.toLocaleString("en-US", { maximumFractionDigits: digits })} ${unit}`
}

const targetOf = ({ target }: BenchResult): string => {
  if (target === undefined) return ""
  return "atLeast" in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`
}

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

say(
  `${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
    `node ${process.versions.node}, sqlite ${process.versions.sqlite}, xstate ${xstate.version}`,
)
let missed = 0
for (const name of benches) {
  say(`\n${name}`)
  for (const result of runOne(name)) {
    const met = meets(result)
    if (!met) missed += 1
    say(
      `  ${met ? " " : "✗"} ${result.name.padEnd(58)} ${shown(result).padStart(18)}  ${targetOf(result)}`,
    )
  }
}
process.exitCode = missed > 0 ? 1 : 0
