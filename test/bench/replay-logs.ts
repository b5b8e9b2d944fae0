/** Claude Code logs of any size for benches, written piece by piece. */
import { closeSync, openSync, writeSync } from "node:fs"
import { join } from "node:path"

const CALLS_A_SESSION = 400
const STARTED_AT = Date.UTC(2026, 0, 1)
const SPOKEN = "x".repeat(3_000)
/** A tool's result now and then is far longer than what is said. */
const SHOWN = "y".repeat(180_000)

/** Fills a folder with at least so many bytes; returns how many calls they tell of. */
export const writeLogs = (folder: string, bytes: number): number => {
  let written = 0
  let session = 0
  for (; written < bytes; session += 1) {
    const file = openSync(join(folder, `session-${session}.jsonl`), "w")
    for (let call = 0; call < CALLS_A_SESSION; call += 1)
      written += writeSync(file, linesOf(session, call))
    closeSync(file)
  }
  return session * CALLS_A_SESSION
}

const linesOf = (session: number, call: number): string => {
  const timestamp = new Date(STARTED_AT + session * 600_000 + call * 20_000).toISOString()
  const stamp = { sessionId: `session-${session}`, timestamp }
  const usage = {
    input_tokens: 3,
    cache_creation_input_tokens: 2_000 + call,
    cache_read_input_tokens: 30_000,
    output_tokens: 200,
  }
  const id = `${session}-${call}`
  const content = [{ type: "text", text: SPOKEN }]
  const message = { model: "claude-opus-4-6", id: `msg_${id}`, usage, content }
  const said = JSON.stringify({ type: "assistant", ...stamp, message, requestId: `req_${id}` })
  const result = call % 50 === 0 ? SHOWN : SPOKEN
  const heard = JSON.stringify({ type: "user", ...stamp, message: { content: result } })
  return `${said}\n${said}\n${heard}\n`
}
