/** A small lie about the machines, and the check that must notice. */
import type { tables } from "../tables.ts"

type Tables = typeof tables

export interface Mutant {
  readonly lie: string
  /** Below machines/. */
  readonly file: string
  /** Found exactly once in the file, or the list of mutants is out of date. */
  readonly find: string
  readonly replace: string
  readonly noticedBy: { readonly [T in keyof Tables]: readonly [T, keyof Tables[T]] }[keyof Tables]
}
