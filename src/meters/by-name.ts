/** The meters, as a plan and the command line name them. */
import type { MeterName } from "../config/plan.ts"
import { autoMeter } from "./auto.ts"
import { claudeCodeMeter } from "./claude-code/claude-code.ts"
import { codexMeter } from "./codex.ts"
import { geminiMeter } from "./gemini.ts"
import { type Meter, NOTHING } from "./meter.ts"
import { opencodeMeter } from "./opencode.ts"
import { piMeter } from "./pi.ts"
import { stintMeter } from "./stint.ts"

const noMeter = (): Meter => ({
  concerns: () => false,
  read: () => NOTHING,
  end: () => NOTHING,
})

const METERS: Readonly<Record<MeterName, () => Meter>> = {
  auto: autoMeter,
  stint: stintMeter,
  "claude-code": claudeCodeMeter,
  codex: codexMeter,
  gemini: geminiMeter,
  opencode: opencodeMeter,
  pi: piMeter,
  none: noMeter,
}

/** A meter for one child; it keeps what it has read, so no two children may share it. */
export const openMeter = (name: MeterName): Meter => METERS[name]()
