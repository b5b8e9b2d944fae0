/** Agents' names by key, kept while any row may still speak of the agent. */
import type { DatabaseSync } from "node:sqlite"
import type { AgentKey } from "../../../machines/vocabulary.ts"
import type { Names } from "../sums.ts"
import type { Run } from "./recent.ts"
import { checksum } from "./schema.ts"
import { Damage } from "./trouble.ts"
import { numberIn, textIn } from "./values.ts"

export interface AgentTable {
  /** An agent nobody admitted is known by its key. */
  readonly namesOf: (key: AgentKey) => Names
  readonly write: (agents: ReadonlyMap<AgentKey, Names>) => void
  readonly forget: (key: AgentKey) => void
}

/** Names read from the table are remembered up to this many, then all forgotten. */
const REMEMBERED = 20_000

export const makeAgentTable = (db: DatabaseSync, recent: () => Run): AgentTable => {
  const select = db.prepare("SELECT agent_id, task_id, crc FROM agents WHERE key = ?")
  const insert = db.prepare("INSERT OR REPLACE INTO agents VALUES (?, ?, ?, ?)")
  const remove = db.prepare("DELETE FROM agents WHERE key = ?")
  const remembered = new Map<AgentKey, Names>()

  const read = (key: AgentKey): Names | null => {
    const columns = select.get(key)
    if (columns === undefined) return null
    const names = { agentId: textIn(columns, "agent_id"), taskId: textIn(columns, "task_id") }
    if (checksum(key, names.agentId, names.taskId) !== numberIn(columns, "crc"))
      throw new Damage(`the names of agent ${key} do not match their checksum`)
    return names
  }

  return {
    namesOf: (key) => {
      const known = recent().agents.get(key) ?? remembered.get(key)
      if (known !== undefined) return known
      const names = read(key)
      if (names === null) return { agentId: key, taskId: "" }
      if (remembered.size >= REMEMBERED) remembered.clear()
      remembered.set(key, names)
      return names
    },
    write: (agents) => {
      for (const key of [...agents.keys()].sort()) {
        const names = agents.get(key)
        if (names === undefined) continue
        const agentId = names.agentId.toWellFormed()
        const taskId = names.taskId.toWellFormed()
        remembered.delete(key)
        insert.run(key, agentId, taskId, checksum(key, agentId, taskId))
      }
    },
    forget: (key) => {
      remembered.delete(key)
      remove.run(key)
    },
  }
}
