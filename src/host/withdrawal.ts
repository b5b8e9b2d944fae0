/** Giving up a place in the queue. */
import { isWaiting } from "../../machines/queue.ts"
import type { RequestId } from "../../machines/vocabulary.ts"
import type { Host } from "./host.ts"

/** A waiting request whose asker gave up leaves the queue; what was admitted is nobody's to give up. */
export const withdrawal = (host: Host, requestId: RequestId, signal: AbortSignal | undefined) => {
  let giveUp = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => {
      if (!isWaiting(host.queue, requestId)) return
      host.send({ type: "request.withdrawn", at: host.now(), requestId })
      host.stopAsking(requestId)
      reject(signal?.reason)
    }
  })
  signal?.addEventListener("abort", giveUp, { once: true })
  return { aborted, dispose: () => signal?.removeEventListener("abort", giveUp) }
}
