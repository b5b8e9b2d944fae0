/** The ledger file's own shape. Rows are the truth; all but `meta` and `checkpoints` follow from them. */
import { crc32 } from "node:zlib"

/** "Stnt": says whose file this is. */
export const APPLICATION_ID = 0x53746e74
/** 2: sums with money. */
export const VERSION = 2

export const SCHEMA = {
  meta: `CREATE TABLE meta (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL,
  holder TEXT NOT NULL,
  indexed_to INTEGER NOT NULL
) STRICT`,

  rows: `CREATE TABLE rows (
  seq INTEGER PRIMARY KEY,
  epoch INTEGER NOT NULL,
  body TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT`,

  checkpoints: `CREATE TABLE checkpoints (
  seq INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT`,

  lookups: `CREATE TABLE lookups (
  run INTEGER NOT NULL,
  bucket INTEGER NOT NULL,
  entries BLOB NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (run, bucket)
) STRICT, WITHOUT ROWID`,

  filters: `CREATE TABLE filters (
  run INTEGER PRIMARY KEY,
  bits BLOB NOT NULL,
  crc INTEGER NOT NULL
) STRICT`,

  agents: `CREATE TABLE agents (
  key TEXT PRIMARY KEY,
  agent_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,

  windows: `CREATE TABLE windows (
  window_id TEXT PRIMARY KEY,
  first_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  crc INTEGER NOT NULL
) STRICT, WITHOUT ROWID`,

  sums: `CREATE TABLE sums (
  window_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  model TEXT NOT NULL,
  calls INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  cost_micro_usd INTEGER NOT NULL,
  unpriced_calls INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (window_id, agent_id, task_id, model)
) STRICT, WITHOUT ROWID`,
}

/** The tables of a version that can be opened; undefined for any other. */
export const schemaOf = (version: number | null): typeof SCHEMA | undefined =>
  version === VERSION ? SCHEMA : version === 1 ? { ...SCHEMA, sums: SUMS_WITHOUT_MONEY } : undefined

const SUMS_WITHOUT_MONEY = `CREATE TABLE sums (
  window_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  task_id TEXT NOT NULL,
  model TEXT NOT NULL,
  calls INTEGER NOT NULL,
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  cache_write_tokens INTEGER NOT NULL,
  cache_read_tokens INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  crc INTEGER NOT NULL,
  PRIMARY KEY (window_id, agent_id, task_id, model)
) STRICT, WITHOUT ROWID`

/** The checksum of some values, kept beside them. */
export const checksum = (...values: readonly (string | number)[]): number =>
  crc32(JSON.stringify(values))

/** Begins with `seq`, so that a body under another number does not pass. */
export const rowChecksum = (seq: number, body: string): number => crc32(body, seq % 2 ** 32)
