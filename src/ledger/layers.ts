/** The ledger as a layer: opened with it, closed with it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Ledger, type LedgerService, LedgerUnavailable } from "./ledger.ts"
import { type MemoryLedgerOptions, makeMemoryLedger } from "./memory.ts"
import type { SqliteLedgerOptions } from "./sqlite.ts"

export const layerMemory = (options?: MemoryLedgerOptions): Layer.Layer<Ledger> =>
  Layer.effect(Ledger, closedAtTheEnd(Effect.sync(() => makeMemoryLedger(options))))

/** Fails with `LedgerUnavailable` when the file cannot be opened. */
export const layerSqlite = (
  path: string,
  options?: SqliteLedgerOptions,
): Layer.Layer<Ledger, LedgerUnavailable> =>
  Layer.effect(
    Ledger,
    closedAtTheEnd(
      Effect.tryPromise({
        try: async () => {
          // Only who asks for a file pays for the thread that writes it.
          const { openSqliteLedger } = await import("./sqlite.ts")
          return openSqliteLedger(path, options)
        },
        catch: (error) =>
          error instanceof LedgerUnavailable
            ? error
            : new LedgerUnavailable({ reason: "io", path, message: String(error) }),
      }),
    ),
  )

/** A ledger that cannot write what waits is a defect at the end of its scope, never silence. */
const closedAtTheEnd = <E>(open: Effect.Effect<LedgerService, E>) =>
  Effect.acquireRelease(open, (ledger) => Effect.promise(() => ledger.close()))
