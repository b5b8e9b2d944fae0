/** A ledger that can be told to fail and to work again, around any other one. */
import type { Row } from "../../machines/budget/row.ts"
import { type LedgerService, LedgerUnavailable } from "../../src/ledger/ledger.ts"

export interface FailingLedger extends LedgerService {
  /** From now on nothing appended is written, for this reason; null: everything is again, in order. */
  readonly failWith: (reason: LedgerUnavailable["reason"] | null) => void
}

interface Waiter {
  readonly seq: number
  readonly settle: (outcome: Promise<void>) => void
}

export const makeFailingLedger = (inner: LedgerService): FailingLedger => {
  const listeners = new Set<(error: LedgerUnavailable | null) => void>()
  const waiters = new Set<Waiter>()
  let failure: LedgerUnavailable | null = null
  let kept: readonly Row[] = []
  /** The last row the ledger inside has been given: those it writes, whatever is said here. */
  let handedSeq = 0

  const hand = (rows: readonly Row[]): void => {
    handedSeq = rows.at(-1)?.seq ?? handedSeq
    inner.append(rows)
    for (const waiter of waiters) {
      if (waiter.seq > handedSeq) continue
      waiters.delete(waiter)
      waiter.settle(inner.durable(waiter.seq))
    }
  }

  const durable = (seq: number): Promise<void> => {
    if (seq <= handedSeq) return inner.durable(seq)
    if (failure !== null) return Promise.reject(failure)
    return new Promise((settle) => waiters.add({ seq, settle }))
  }

  return {
    ...inner,
    append: (rows) => {
      if (failure === null) hand(rows)
      else kept = [...kept, ...rows]
    },
    durable,
    onHealth: (listener) => {
      listeners.add(listener)
      const stop = inner.onHealth(listener)
      return () => {
        listeners.delete(listener)
        stop()
      }
    },
    pendingRows: () => inner.pendingRows() + kept.length,
    checkpoint: async (checkpoint) => {
      await durable(checkpoint.seq)
      await inner.checkpoint(checkpoint)
    },
    close: async () => {
      await inner.close()
      if (failure !== null && kept.length > 0) throw failure
    },
    failWith: (reason) => {
      if ((failure?.reason ?? null) === reason) return
      failure =
        reason === null
          ? null
          : new LedgerUnavailable({ reason, path: inner.path, message: `It fails as ${reason}.` })
      if (failure === null) {
        const rows = kept
        kept = []
        hand(rows)
      } else {
        for (const { settle } of waiters) settle(Promise.reject(failure))
        waiters.clear()
      }
      for (const listener of listeners) listener(failure)
    },
  }
}
