/**
 * Which agent program a command line starts, by the names of programs and packages in it. Where it
 * is not sure it says so: an unknown program.
 */
import { basename } from "node:path"
import type { AgentProgram } from "../../config/plan.ts"
import type { ProgramName, Recognised } from "./profile.ts"

const PROGRAMS: Readonly<Record<string, ProgramName>> = {
  claude: "claude",
  codex: "codex",
  gemini: "gemini",
  opencode: "opencode",
  pi: "pi",
}

const PACKAGES: Readonly<Record<string, ProgramName>> = {
  "@anthropic-ai/claude-code": "claude",
  "@openai/codex": "codex",
  "@google/gemini-cli": "gemini",
  "opencode-ai": "opencode",
  opencode: "opencode",
  "@earendil-works/pi-coding-agent": "pi",
  "@mariozechner/pi-coding-agent": "pi",
}

/** A package's name, also that of its part for one system; null for others. */
export const programOfPackage = (name: string): ProgramName | null =>
  PACKAGES[name.replace(/-(?:linux|darwin|win32|windows)-.*$/, "")] ?? null

type Words = readonly string[]

/** A program, and the index of the word that names it. */
interface Named {
  readonly program: ProgramName
  readonly at: number
}

/** `agent` as the user has named it; null for `none`. */
export const recognise = (agent: AgentProgram, command: Words): Recognised | null => {
  if (agent === "none") return null
  const seen = programIn(command)
  if (agent === "auto")
    return seen === null
      ? { program: "generic", argsAt: null, isNamed: false }
      : { program: seen.program, argsAt: argsAfter(command, seen), isNamed: false }
  const argsAt = seen?.program === agent ? argsAfter(command, seen) : null
  return { program: agent, argsAt, isNamed: true }
}

/** Arguments go after the program's name, but none into the text of a shell. */
const argsAfter = (command: Words, { at }: Named): number | null =>
  isShell(command) ? null : at + 1

const programIn = (command: Words): Named | null => {
  const [first = "", ...rest] = command
  const program = PROGRAMS[nameOf(first)]
  if (program !== undefined) return { program, at: 0 }
  if (isShell(command)) return inShellText(rest[1] ?? "")
  if (nameOf(first) === "node" || nameOf(first) === "bun") return asScript(command)
  return asPackage(command)
}

/** Without the ending that a system or a language adds. */
const nameOf = (word: string): string => basename(word).replace(/\.(exe|cmd|js|mjs|cjs)$/, "")

const isShell = ([program = "", flag]: Words): boolean =>
  ["sh", "bash", "zsh", "dash"].includes(basename(program)) && /^-[el]*c$/.test(flag ?? "")

/** One plain command and nothing around it. */
const inShellText = (text: string): Named | null => {
  const isPlain = !/[;&|<>()`\n]|\$\(/.test(text.trim())
  const [first = ""] = text
    .trim()
    .replace(/^exec\s+/, "")
    .split(/\s+/)
  const program = isPlain ? PROGRAMS[nameOf(first)] : undefined
  return program === undefined ? null : { program, at: 0 }
}

/** The first word that is no option; one that takes a value makes it unsure. */
const asScript = (command: Words): Named | null => {
  const at = command.findIndex((word, index) => index > 0 && !word.startsWith("-"))
  const script = command[at]
  if (script === undefined || command.slice(1, at).some((word) => !word.includes("="))) return null
  const inPackage = Object.entries(PACKAGES).find(([name]) =>
    script.includes(`/node_modules/${name}/`),
  )
  const program = inPackage?.[1] ?? PROGRAMS[nameOf(script)]
  return program === undefined ? null : { program, at }
}

/** `npx`, `bunx`, `pnpm dlx` and their like, with options that take no value. */
const asPackage = (command: Words): Named | null => {
  const [first = "", second = ""] = command
  const runner = nameOf(first)
  const from =
    runner === "npx" || runner === "bunx"
      ? 1
      : ["npm", "pnpm", "yarn"].includes(runner) && ["exec", "dlx", "x"].includes(second)
        ? 2
        : null
  if (from === null) return null
  const at = command.findIndex((word, index) => index >= from && !/^(-y|--yes|--)$/.test(word))
  const name = (command[at] ?? "").replace(/(?<=.)@[^/]*$/, "")
  const program = PACKAGES[name] ?? PROGRAMS[name]
  return program === undefined ? null : { program, at }
}
