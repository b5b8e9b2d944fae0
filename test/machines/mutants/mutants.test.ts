/**
 * Each lie of the list is told to a copy of the machines, and its check must notice: a guard
 * that is deleted or off by one turns a named test red.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { type Check, loadMachines, MACHINES_FOLDER, type Machines } from "../machines.ts"
import { tables } from "../tables.ts"
import { calls } from "./calls.mutants.ts"
import { counting } from "./counting.mutants.ts"
import { granting } from "./granting.mutants.ts"
import type { Mutant } from "./mutant.ts"

const MUTANTS = [...granting, ...counting, ...calls]

let folder = ""

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stint-mutants-"))
  symlinkSync(join(dirname(MACHINES_FOLDER), "node_modules"), join(folder, "node_modules"))
})

afterAll(() => rmSync(folder, { recursive: true }))

/** A copy of the machines in a folder of its own. */
const copyTo = (name: string): string => {
  const copy = join(folder, name)
  cpSync(MACHINES_FOLDER, copy, { recursive: true })
  return copy
}

const lieIn = (copy: string, { file, find, replace }: Mutant): void => {
  const path = join(copy, file)
  const parts = readFileSync(path, "utf8").split(find)
  expect(parts.length - 1, `"${find}" is found once in ${file}`).toBe(1)
  writeFileSync(path, parts.join(replace))
}

const checkOf = ([table, name]: Mutant["noticedBy"]): Check => {
  const checks: Readonly<Record<string, Check>> = tables[table]
  const check = checks[name]
  if (check === undefined) throw new Error(`no check "${name}" in the table of ${table}`)
  return check
}

/** A check has to say no; breaking down is no answer. */
const failureOf = (check: Check, machines: Machines): string => {
  try {
    check(machines)
    return "nothing"
  } catch (error) {
    return error instanceof Error ? error.name : String(error)
  }
}

describe("a mutant", () => {
  it("is a copy that would pass, but for its lie", async () => {
    const machines = await loadMachines(copyTo("honest"))
    for (const { noticedBy } of MUTANTS) checkOf(noticedBy)(machines)
  })

  it.each(MUTANTS.map((mutant, at) => [mutant.lie, mutant.noticedBy[1], mutant, at] as const))(
    "is noticed: %s ← %s",
    async (_, __, mutant, at) => {
      const copy = copyTo(`mutant-${at}`)
      lieIn(copy, mutant)
      const machines = await loadMachines(copy)
      expect(failureOf(checkOf(mutant.noticedBy), machines)).toBe("AssertionError")
    },
  )
})
