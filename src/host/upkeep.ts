/** Keeping the ledger short to fold and bounded in size: checkpoints, and days past the retention. */
import type { Budget } from "../../machines/budget/budget.ts"
import { encodeCheckpoint } from "../../machines/budget/checkpoint.ts"
import type { Row, Window } from "../../machines/budget/row.ts"
import type { LedgerService } from "../ledger/ledger.ts"
import type { Log } from "../log/log.ts"

export interface UpkeepOptions {
  readonly ledger: LedgerService
  readonly retentionDays: number
  readonly logger: Log
  /** The budget as it stands, folded up to its own `seq`. */
  readonly budget: () => Budget
}

/** So many rows between checkpoints: a start then folds fewer than these. */
export const ROWS_PER_CHECKPOINT = 20_000

export class Upkeep {
  private readonly options: UpkeepOptions
  private underWay: Promise<void> = Promise.resolve()
  private checkpointSeq: number
  private closed = false

  constructor(options: UpkeepOptions, seq: number) {
    this.options = options
    this.checkpointSeq = seq
  }

  /** Looks at rows on their way to the ledger. A closed day is saved whole, and old ones leave. */
  note(rows: readonly Row[]): void {
    const lastSeq = rows.at(-1)?.seq ?? this.checkpointSeq
    const opened = rows.find((row) => row.kind === "window_opened")
    if (opened === undefined && lastSeq - this.checkpointSeq < ROWS_PER_CHECKPOINT) return
    this.checkpointSeq = lastSeq
    // After this step: the context is not folded yet while its rows are being handed out.
    this.enqueue(() => this.saveCheckpoint())
    if (opened !== undefined) this.retain(opened.window)
  }

  retain(openWindow: Window): void {
    this.enqueue(() => this.dropOldDays(openWindow))
  }

  /** Saves what there is; resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.enqueue(() => this.saveCheckpoint())
    // From here on nothing more is taken: a day that turns now finds the ledger closing.
    this.closed = true
    await this.underWay
  }

  private enqueue(task: () => Promise<void>): void {
    if (!this.closed) this.underWay = this.underWay.then(task)
  }

  private async saveCheckpoint(): Promise<void> {
    const { ledger, logger } = this.options
    const budget = this.options.budget()
    try {
      await ledger.checkpoint({ seq: budget.seq, state: encodeCheckpoint(budget) })
    } catch (error) {
      logger.warn({ err: error }, "no checkpoint was saved; the next start folds more rows")
    }
  }

  private async dropOldDays(openWindow: Window): Promise<void> {
    const { ledger, logger, retentionDays } = this.options
    try {
      await ledger.retain({ openWindow, retentionDays })
    } catch (error) {
      logger.warn({ err: error }, "old rows were not rolled up")
    }
  }
}
