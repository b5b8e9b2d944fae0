/** The meter that finds out: the first line that tells decides, and it stays with that. */

import { claudeCodeMeter, mayBeClaudeCode } from "./claude-code/claude-code.ts"
import { isObject, type Json, parseObject } from "./fields.ts"
import { type Meter, type MeterReading, NOTHING } from "./meter.ts"
import { mayBeStint, readStintLine, STINT_USAGE, stintMeter } from "./stint.ts"

export const autoMeter = (): Meter => new AutoMeter()

class AutoMeter implements Meter {
  #found: Meter | null = null

  concerns(line: Buffer): boolean {
    if (this.#found !== null) return this.#found.concerns(line)
    return mayBeStint(line) || mayBeClaudeCode(line)
  }

  read(line: string): readonly MeterReading[] {
    if (this.#found === null) {
      const parsed = parseObject(line)
      // A broken line of usage is told of, and decides nothing.
      if (parsed === null) return readStintLine(line)
      this.#found = meterOf(parsed)
    }
    return this.#found?.read(line) ?? NOTHING
  }

  end(): readonly MeterReading[] {
    return this.#found?.end() ?? NOTHING
  }
}

const meterOf = (line: Json): Meter | null => {
  if (line.type === STINT_USAGE) return stintMeter()
  return isClaudeCode(line) ? claudeCodeMeter() : null
}

/**
 * Others print events of the same types; only Claude Code's carry usage in these places. A session
 * log that is merely shown spells the session's id otherwise.
 */
const isClaudeCode = (line: Json): boolean => {
  if (typeof line.session_id !== "string") return false
  switch (line.type) {
    case "system":
      return line.subtype === "init" && typeof line.claude_code_version === "string"
    case "assistant":
      return isObject(line.message) && isObject(line.message.usage)
    case "result":
      return isObject(line.modelUsage) || isObject(line.usage)
    case "stream_event":
      return isObject(line.event) && line.event.type === "message_start"
    default:
      return false
  }
}
