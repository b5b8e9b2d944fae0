/**
 * The modules under test, gathered so that one check can be run against the real ones and
 * against a mutated copy of them.
 */
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as agent from "../../machines/agent.ts"
import * as agentPool from "../../machines/agent-pool.ts"
import * as account from "../../machines/budget/account.ts"
import * as admission from "../../machines/budget/admission.ts"
import * as advice from "../../machines/budget/advice.ts"
import * as amounts from "../../machines/budget/amounts.ts"
import * as budget from "../../machines/budget/budget.ts"
import * as callBound from "../../machines/budget/call-bound.ts"
import * as checkpoint from "../../machines/budget/checkpoint.ts"
import * as decision from "../../machines/budget/decision.ts"
import * as ending from "../../machines/budget/ending.ts"
import * as fold from "../../machines/budget/fold.ts"
import * as granting from "../../machines/budget/granting.ts"
import * as holds from "../../machines/budget/holds.ts"
import * as limits from "../../machines/budget/limits.ts"
import * as metering from "../../machines/budget/metering.ts"
import * as recovery from "../../machines/budget/recovery.ts"
import * as spawning from "../../machines/budget/spawning.ts"
import * as stopping from "../../machines/budget/stopping.ts"
import * as summary from "../../machines/budget/summary.ts"
import * as window from "../../machines/budget/window.ts"
import * as consequences from "../../machines/consequences.ts"
import * as decisions from "../../machines/decisions.ts"
import * as project from "../../machines/project.ts"
import * as supervisor from "../../machines/supervisor.ts"

export const real = {
  agent,
  agentPool,
  account,
  admission,
  advice,
  amounts,
  budget,
  callBound,
  checkpoint,
  consequences,
  decision,
  decisions,
  ending,
  fold,
  granting,
  holds,
  limits,
  metering,
  project,
  recovery,
  spawning,
  stopping,
  summary,
  supervisor,
  window,
}

export type Machines = typeof real

/** A statement about the machines: throws when it does not hold of them. */
export type Check = (machines: Machines) => void
export type Checks = Readonly<Record<string, Check>>

export const MACHINES_FOLDER = fileURLToPath(new URL("../../machines", import.meta.url))

const IN_MACHINES = ["agent", "agentPool", "consequences", "decisions", "project", "supervisor"]

const fileOf = (module: string): string => {
  const name = module.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  return IN_MACHINES.includes(module) ? `${name}.ts` : join("budget", `${name}.ts`)
}

/** The same modules, from a copy of the folder elsewhere. */
export const loadMachines = async (folder: string): Promise<Machines> => {
  const modules = Object.keys(real).map(
    async (module) =>
      [module, await import(/* @vite-ignore */ join(folder, fileOf(module)))] as const,
  )
  return Object.fromEntries(await Promise.all(modules)) as Machines
}
