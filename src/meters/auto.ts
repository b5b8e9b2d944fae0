/**
 * The meter that finds out: the first line that tells decides, and it stays with that. A document
 * over many lines tells it nothing: who prints one is to be named.
 */

import { claudeCodeMeter, mayBeClaudeCode } from "./claude-code/claude-code.ts"
import { codexMeter, isCodex, mayBeCodex } from "./codex.ts"
import { isObject, type Json, parseObject } from "./fields.ts"
import { geminiMeter, isGemini, mayBeGemini } from "./gemini.ts"
import { type Meter, type MeterReading, NOTHING } from "./meter.ts"
import { isOpencode, mayBeOpencode, opencodeMeter } from "./opencode.ts"
import { isPi, mayBePi, piMeter } from "./pi.ts"
import { mayBeStint, readStintLine, STINT_USAGE, stintMeter } from "./stint.ts"

const MAY_BE = [mayBeStint, mayBeClaudeCode, mayBeCodex, mayBeGemini, mayBeOpencode, mayBePi]

export const autoMeter = (): Meter => new AutoMeter()

class AutoMeter implements Meter {
  #found: Meter | null = null

  get omits(): string | null {
    return this.#found?.omits ?? null
  }

  concerns(line: Buffer): boolean {
    if (this.#found !== null) return this.#found.concerns(line)
    return MAY_BE.some((mayBe) => mayBe(line))
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
  if (isClaudeCode(line)) return claudeCodeMeter()
  if (isCodex(line)) return codexMeter()
  if (isGemini(line)) return geminiMeter()
  if (isOpencode(line)) return opencodeMeter()
  return isPi(line) ? piMeter() : null
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
