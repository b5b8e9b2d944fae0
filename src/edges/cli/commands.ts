/** The commands: the one table that help, completions and the reference are made from. */
import { isatty } from "node:tty"
import { beginThread } from "../../ledger/sqlite/begin-thread.ts"
import type { CommandSheet } from "./own-flags.ts"

/** Resolves with the exit status. */
export type Command = (argv: readonly string[]) => Promise<number>

export interface CommandEntry {
  readonly summary: string
  /** What each command needs is loaded when it is called. */
  readonly load: () => Promise<Command>
  readonly sheet: () => Promise<CommandSheet>
}

const terminal = () => ({
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  cwd: process.cwd(),
  columns: process.stdout.columns ?? 80,
  isTTY: process.stdout.isTTY === true,
})

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  run: {
    summary: "run a command, or a plan of many, on the budget",
    load: async () => {
      // First, so that it starts while the rest is being read.
      const thread = beginThread()
      const { runCommand } = await import("./run.ts")
      const output = await import("./descriptor-output.ts")
      return (argv) =>
        runCommand(argv, {
          stdout: output.standardOutput(),
          stderr: output.standardError(),
          stdinIsTTY: isatty(0),
          thread,
          env: process.env,
          cwd: process.cwd(),
        })
    },
    sheet: async () => {
      const { RUN_FLAGS, runHelp } = await import("./run-arguments.ts")
      return {
        help: runHelp,
        scopes: ["budget", "gateway", "run"],
        flags: RUN_FLAGS,
        operands: "files",
      }
    },
  },
  replay: {
    summary: "what would this budget have done? calls nothing",
    load: async () => {
      const { replayCommand } = await import("./replay.ts")
      return (argv) => replayCommand([...argv], terminal())
    },
    sheet: async () => {
      const { REPLAY_FLAGS, replayHelp } = await import("./replay-arguments.ts")
      const scopes = ["budget", "replay"] as const
      return { help: replayHelp, scopes, flags: REPLAY_FLAGS, operands: "files" }
    },
  },
  history: {
    summary: "what was used, by day, agent, task or model",
    load: async () => {
      const { historyCommand } = await import("./history.ts")
      return (argv) => historyCommand(argv, terminal())
    },
    sheet: async () => (await import("./history-arguments.ts")).historySheet,
  },
  status: {
    summary: "how the day stands, and every agent of it",
    load: async () => {
      const { statusCommand } = await import("./status.ts")
      return (argv) => statusCommand(argv, terminal())
    },
    sheet: async () => (await import("./status.ts")).statusSheet,
  },
  stop: {
    summary: "ask an agent to stop, whichever terminal runs it",
    load: async () => {
      const { stopCommand } = await import("./stop.ts")
      return (argv) => stopCommand(argv, terminal())
    },
    sheet: async () => (await import("./stop.ts")).stopSheet,
  },
  budget: {
    summary: "every limit and its source; keep one for later runs",
    load: async () => {
      const { budgetCommand } = await import("./budget.ts")
      return (argv) => budgetCommand(argv, terminal())
    },
    sheet: async () => (await import("./budget-arguments.ts")).budgetSheet,
  },
  doctor: {
    summary: "what this machine, the settings and the ledger are fit for",
    load: async () => {
      const { doctorCommand } = await import("./doctor.ts")
      return (argv) => doctorCommand(argv, { ...terminal(), now: Date.now })
    },
    sheet: async () => (await import("./doctor-arguments.ts")).doctorSheet,
  },
  completions: {
    summary: "a script that completes stint's words in bash, zsh or fish",
    load: async () => {
      const { completionsCommand } = await import("./completions.ts")
      return (argv) => completionsCommand(argv, terminal(), COMMANDS)
    },
    sheet: async () => (await import("./completions.ts")).completionsSheet,
  },
}
