/** Whether the agents of a plan could be started, as far as their programs and folders tell. */
import { statSync } from "node:fs"
import type { Environment } from "../../config/environment.ts"
import type { Plan } from "../../config/plan.ts"
import { configurationError } from "../../config/problem.ts"
import { findProgram } from "../../runners/program.ts"

/** Of a plan nothing starts unless all of it could: a missing program or folder is told first. */
export const checkStartable = ({ agents, problemAt }: Plan, env: Environment): void => {
  const programs = new Map<string, string | null>()
  const whyNot = (program: string, cwd: string, path: string | undefined): string | null => {
    // Thousands of agents share a few programs.
    const key = [program, cwd, path].join("\0")
    const known = programs.get(key)
    if (known !== undefined) return known
    const found = findProgram(program, cwd, path)
    const why = "started" in found ? found.message : null
    programs.set(key, why)
    return why
  }
  const problems = agents.flatMap(({ command: [program], cwd, env: own }, index) => {
    const at = ["agents", String(index)]
    if (!isFolder(cwd)) return [problemAt([...at, "cwd"], cwd, "a folder that is there")]
    const why = whyNot(program, cwd, own.PATH ?? env.PATH)
    const found = `${JSON.stringify(program)} (${why})`
    return why === null ? [] : [problemAt([...at, "command"], found, "a program that can be run")]
  })
  const [first, ...rest] = problems
  if (first !== undefined) throw configurationError([first, ...rest])
}

export const isFolder = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
