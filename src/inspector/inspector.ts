/** The inspector: XState's inspection through one adapter to the official client. */
import type { InspectionEvent } from "xstate"
import { showText } from "../config/found.ts"
import { configurationError } from "../config/problem.ts"
import { type Log, quietLog } from "../log/log.ts"
import { inspectionOf } from "./frames.ts"
import { Line } from "./line.ts"
import { Outbox } from "./outbox.ts"
import { showEvent } from "./shown.ts"

export interface Inspector {
  /** Takes note of one inspection event; never throws, and sends nothing in the caller's turn. */
  readonly observe: (event: InspectionEvent) => void
  /** Sends what waits, then lets go of the line: at most a second later nothing is left of it. */
  readonly close: () => void
}

/** What only moves numbers is told at most this often. */
const FLUSH_MS = 100
/** With `FLUSH_MS`, the most that inspecting may cost: some 2,500 frames a second. */
const FRAMES_PER_FLUSH = 250
const FRAMES_AT_CLOSE = 2_000
/** While the other side has this much still to read, it is sent nothing more. */
const UNREAD_BYTES_MAX = 1_000_000

/**
 * Connects to an inspector at `ws://…` or `wss://…`; resolves once it answered, or did not.
 *
 * Nobody there is one warning, not an error: it is tried again every five seconds, and whoever
 * comes later is told the whole tree. Rejects with `ConfigurationError` when `url` is no such
 * address.
 */
export const openInspector = async (url: string, logger: Log = quietLog()): Promise<Inspector> => {
  const address = checkAddress(url)
  const { createInspector } = await import("@statelyai/inspect")
  const outbox = new Outbox()
  const line = new Line({
    url: address,
    logger,
    onOpen: () => {
      outbox.connect()
      pump.start()
    },
    onLost: () => outbox.disconnect(),
  })
  const client = createInspector(
    { send: (frame) => line.send(JSON.stringify(frame)) },
    { sanitizeEvent: showEvent },
  )
  const tell = (max: number): void => {
    for (const frame of outbox.take(max)) client.inspect.next?.(inspectionOf(frame))
  }
  const pump = makePump(() => {
    if (line.isOpen && line.bufferedBytes < UNREAD_BYTES_MAX) tell(FRAMES_PER_FLUSH)
    return line.isOpen && outbox.size > 0
  })
  await line.connect()
  return {
    observe: guarded(logger, (event) => {
      outbox.note(event)
      if (outbox.size > 0) pump.start()
    }),
    close: () => {
      pump.stop()
      if (outbox.size > FRAMES_AT_CLOSE) outbox.thin()
      tell(FRAMES_AT_CLOSE)
      // The client sends each frame in a timer of its own: the line closes behind the last.
      setTimeout(() => line.close(), 0)
    },
  }
}

/** An observer that throws puts the observed actor in error: this one gives up instead. */
const guarded = (
  logger: Log,
  observe: (event: InspectionEvent) => void,
): ((event: InspectionEvent) => void) => {
  let failed = false
  return (event) => {
    if (failed) return
    try {
      observe(event)
    } catch (error) {
      failed = true
      logger.error({ err: error }, "inspecting failed and has been switched off")
    }
  }
}

/** Runs `turn` every `FLUSH_MS` for as long as it says that there is more. */
const makePump = (turn: () => boolean) => {
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const start = (): void => {
    if (timer !== undefined || stopped) return
    timer = setTimeout(() => {
      timer = undefined
      if (turn()) start()
    }, FLUSH_MS).unref()
  }
  const stop = (): void => {
    stopped = true
    clearTimeout(timer)
  }
  return { start, stop }
}

const checkAddress = (url: string): URL => {
  const address = URL.canParse(url) ? new URL(url) : undefined
  if (address !== undefined && /^wss?:$/.test(address.protocol) && address.hash === "")
    return address
  throw configurationError([
    {
      reason: "invalid_value",
      source: "supervisor option",
      line: null,
      key: "inspect",
      found: showText(String(url)),
      allowed:
        "the address of an inspector as ws://HOST:PORT or wss://HOST:PORT, such as ws://localhost:8080",
    },
  ])
}
