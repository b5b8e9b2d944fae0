/** What SQLite hands back, checked: a column of another type than declared is damage. */
import type { SQLOutputValue, StatementSync } from "node:sqlite"
import { Damage } from "./trouble.ts"

export type Columns = Record<string, SQLOutputValue>

export const textIn = (columns: Columns, name: string): string => {
  const value = columns[name]
  if (typeof value === "string") return value
  throw new Damage(`column ${name} holds no text`)
}

export const numberIn = (columns: Columns, name: string): number => {
  const value = columns[name]
  if (typeof value === "number") return value
  throw new Damage(`column ${name} holds no number`)
}

export const bytesIn = (columns: Columns, name: string): Uint8Array => {
  const value = columns[name]
  if (value instanceof Uint8Array) return value
  throw new Damage(`column ${name} holds no bytes`)
}

/** The single number a statement answers; null for SQL NULL or no row at all. */
export const numberOf = (
  statement: StatementSync,
  ...parameters: readonly (string | number)[]
): number | null => {
  const value = Object.values(statement.get(...parameters) ?? {})[0]
  return typeof value === "number" ? value : null
}
