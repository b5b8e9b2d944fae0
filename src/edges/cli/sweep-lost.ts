/** Strays of agents that nobody looks after any more. */
import type { Sweep } from "../../host/take-over.ts"
import { sweepStrays } from "../../runners/stray-sweep.ts"

/** What a dead Stint left alive is stopped before anything is admitted; its agents end `lost`. */
export const sweepLost: Sweep = async (lost) => {
  const orphans = lost.map(({ key, process: leader, graceMs }) => {
    return { tag: key, leader, graceMs: Math.min(graceMs, STRAY_GRACE_MS) }
  })
  await sweepStrays(orphans)
}

/** Others wait meanwhile: a stray gets no longer grace than its guard would have given it. */
const STRAY_GRACE_MS = 5_000
