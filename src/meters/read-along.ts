/** Reads a child's output along, beside its way to wherever it goes: chunks in, readings out. */
import { DocumentReader } from "./document-reader.ts"
import { LineReader } from "./line-reader.ts"
import type { Meter, MeterReading } from "./meter.ts"

export interface ReadAlong {
  /** A chunk as the child wrote it; it is not kept and not changed. */
  readonly push: (chunk: Buffer) => readonly MeterReading[]
  /** After the last chunk; once. */
  readonly end: () => readonly MeterReading[]
}

export const readAlong = (meter: Meter, lineBytesMax?: number): ReadAlong => {
  let readings: MeterReading[] = []
  const lines = new LineReader(
    (line) => {
      if (meter.concerns(line)) readings.push(...meter.read(line.toString("utf8")))
    },
    lineBytesMax,
    (chunk) => meter.concerns(chunk),
  )
  const documents =
    meter.document === undefined
      ? null
      : new DocumentReader((text) => {
          readings.push(...(meter.document?.(text) ?? []))
        }, lineBytesMax)
  const take = (): readonly MeterReading[] => {
    const taken = readings
    if (taken.length > 0) readings = []
    return taken
  }
  return {
    push: (chunk) => {
      lines.push(chunk)
      documents?.push(chunk)
      return take()
    },
    end: () => {
      lines.end()
      documents?.end()
      return [...take(), ...meter.end()]
    },
  }
}
