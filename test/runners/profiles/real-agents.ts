/** The agent programs themselves: where they are installed, how each is asked to do something. */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { MeterName } from "../../../src/config/plan.ts"
import type { ProgramName, Vendor } from "../../../src/runners/profiles/profile.ts"
import type { Counts } from "../../meters/printed.ts"
import { BILLED } from "./scripted-model.ts"

/** `STINT_AGENTS_DIR` is a `node_modules` with some of them; what is not there is not tried. */
const FOLDER =
  process.env.STINT_AGENTS_DIR ??
  fileURLToPath(new URL("../../agents/node_modules", import.meta.url))

export interface RealAgent {
  readonly name: ProgramName
  readonly file: string | null
  readonly args: readonly string[]
  readonly vendor: Vendor
  readonly meter: MeterName
  /** Requests for a model in a run with two tool calls. */
  readonly calls: number
  /** What it accounts for itself of those. */
  readonly accounts: Counts
  /**
   * How it ends when it is asked to while its shell runs, and whether it sees to that shell's end. Where
   * it does not, the shell lives on or dies of its lost terminal: which of the two is chance.
   */
  readonly ended: {
    readonly exitCode: number | null
    readonly signal: string | null
    readonly mayLeaveTools: boolean
  }
}

const installed = (...places: readonly string[]): string | null =>
  places.map((place) => join(FOLDER, place)).find((file) => existsSync(file)) ?? null

/** Of three calls, each billed the same. */
const disjoint: Counts = [
  3 * BILLED.input,
  3 * BILLED.output,
  3 * BILLED.cacheWrite,
  3 * BILLED.cacheRead,
]
/** Where cached input is a part of the input, and nothing says what was written. */
const nested = (outputEach: number): Counts => [
  3 * (BILLED.input - BILLED.cacheRead),
  3 * outputEach,
  0,
  3 * BILLED.cacheRead,
]

const PROMPT = "run it"
const ANTHROPIC_MODEL = "anthropic/claude-sonnet-4-5"

export const REAL_AGENTS: readonly RealAgent[] = [
  {
    name: "claude",
    file: installed("@anthropic-ai/claude-code-linux-x64/claude", ".bin/claude"),
    args: [
      ...["-p", PROMPT, "--output-format", "stream-json", "--verbose"],
      ...["--allowedTools", "Bash", "--model", "claude-sonnet-4-5"],
    ],
    vendor: "anthropic",
    meter: "claude-code",
    calls: 3,
    accounts: disjoint,
    ended: { exitCode: 0, signal: null, mayLeaveTools: false },
  },
  {
    name: "codex",
    file: installed(".bin/codex"),
    args: ["exec", "--json", "--dangerously-bypass-approvals-and-sandbox", "-m", "gpt-5.5", PROMPT],
    vendor: "openai",
    meter: "codex",
    calls: 3,
    accounts: nested(BILLED.output),
    ended: { exitCode: null, signal: "SIGTERM", mayLeaveTools: true },
  },
  {
    name: "gemini",
    file: installed(".bin/gemini"),
    args: [
      ...["-p", PROMPT, "--output-format", "stream-json", "--approval-mode", "yolo"],
      ...["--skip-trust", "-m", "gemini-2.5-flash"],
    ],
    vendor: "google",
    meter: "gemini",
    calls: 3,
    accounts: nested(BILLED.output + BILLED.thought),
    ended: { exitCode: 0, signal: null, mayLeaveTools: true },
  },
  {
    name: "opencode",
    file: installed(".bin/opencode"),
    args: ["run", "--format", "json", "--auto", "-m", ANTHROPIC_MODEL, PROMPT],
    vendor: "anthropic",
    meter: "opencode",
    // One names the session, and is not accounted for.
    calls: 4,
    accounts: disjoint,
    ended: { exitCode: null, signal: "SIGTERM", mayLeaveTools: true },
  },
  {
    name: "pi",
    file: installed(".bin/pi"),
    args: ["-p", "--mode", "json", "--model", ANTHROPIC_MODEL, PROMPT],
    vendor: "anthropic",
    meter: "pi",
    calls: 3,
    accounts: disjoint,
    ended: { exitCode: 143, signal: null, mayLeaveTools: false },
  },
]
