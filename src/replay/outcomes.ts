/** What became of the agents that the budget did not let go on; kept on disk, however many. */
import type { DatabaseSync, StatementSync } from "node:sqlite"
import { MAX_AMOUNT } from "../../machines/budget/amounts.ts"
import { isoOf } from "../../machines/budget/summary.ts"
import type { Instant, RefusalReason, StopReason, Tokens } from "../../machines/vocabulary.ts"

/** An agent that started and was stopped. Tokens are weighed; times are ISO 8601, UTC. */
export interface StoppedAgent {
  readonly agentId: string
  readonly reason: string
  readonly at: string
  readonly tokensUsed: Tokens
  /** Of the calls it made from then on. */
  readonly tokensSaved: Tokens
}

/** An agent that was not let in; all its calls are saved. */
export type RefusedAgent = Omit<StoppedAgent, "tokensUsed">

export interface Costliest extends StoppedAgent {
  readonly kind: Kind
}

export interface OutcomeTotals {
  readonly stopped: number
  readonly refused: number
}

interface Stopped {
  readonly stretch: number
  readonly agentId: string
  readonly reason: StopReason
  readonly at: Instant
  readonly tokensUsed: Tokens
}

type Kind = "stopped" | "refused"

const OUTCOMES = `
  CREATE TABLE outcome (
    stretch INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    agent TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    used INTEGER NOT NULL,
    saved INTEGER NOT NULL
  ) STRICT;
`

export class Outcomes {
  readonly #database: DatabaseSync
  readonly #insert: StatementSync
  readonly #save: StatementSync

  constructor(database: DatabaseSync) {
    this.#database = database
    database.exec(OUTCOMES)
    this.#insert = database.prepare("INSERT INTO outcome VALUES (?, ?, ?, ?, ?, ?, 0)")
    this.#save = database.prepare(
      `UPDATE outcome SET saved = min(saved + ?, ${MAX_AMOUNT}) WHERE stretch = ?`,
    )
  }

  stopped({ stretch, agentId, reason, at, tokensUsed }: Stopped): void {
    this.#insert.run(stretch, "stopped", agentId, reason, at, tokensUsed)
  }

  refused(stretch: number, agentId: string, reason: RefusalReason, at: Instant): void {
    this.#insert.run(stretch, "refused", agentId, reason, at, 0)
  }

  /** A call that its agent, stopped or refused, no longer makes. */
  saved(stretch: number, tokens: Tokens): void {
    this.#save.run(tokens, stretch)
  }

  totals(): OutcomeTotals {
    const count = "SELECT count(*) AS agents FROM outcome WHERE kind = ?"
    const of = (kind: Kind) => Number(this.#database.prepare(count).get(kind)?.agents)
    return { stopped: of("stopped"), refused: of("refused") }
  }

  /** In the order of time. */
  *listStopped(): Generator<StoppedAgent> {
    for (const row of this.#list("stopped")) yield stoppedAgent(row)
  }

  *listRefused(): Generator<RefusedAgent> {
    for (const row of this.#list("refused")) {
      const { agentId, reason, at, tokensSaved } = stoppedAgent(row)
      yield { agentId, reason, at, tokensSaved }
    }
  }

  /** Those whose calls were saved most tokens, stopped and refused together. */
  costliest(count: number): readonly Costliest[] {
    const query = "SELECT * FROM outcome ORDER BY saved DESC, at, stretch LIMIT ?"
    return this.#database
      .prepare(query)
      .all(count)
      .map((row) => ({
        kind: row.kind === "stopped" ? "stopped" : "refused",
        ...stoppedAgent(row),
      }))
  }

  #list(kind: Kind) {
    const query = "SELECT * FROM outcome WHERE kind = ? ORDER BY at, stretch"
    return this.#database.prepare(query).iterate(kind)
  }
}

const stoppedAgent = (row: Readonly<Record<string, unknown>>): StoppedAgent => ({
  agentId: String(row.agent),
  reason: String(row.reason),
  at: isoOf(Number(row.at)),
  tokensUsed: Number(row.used),
  tokensSaved: Number(row.saved),
})
