/** The meters, as a plan and the command line name them. */
import type { MeterName } from "../config/plan.ts"
import { autoMeter } from "./auto.ts"
import { claudeCodeMeter } from "./claude-code/claude-code.ts"
import { type Meter, NOTHING } from "./meter.ts"
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
  none: noMeter,
}

/** A meter for one child; it keeps what it has read, so no two children may share it. */
export const openMeter = (name: MeterName): Meter => METERS[name]()
