/** Rows that anybody can tell from their number alone. */
import type { Row, Unnumbered } from "../../machines/budget/row.ts"
import * as sample from "./sample-rows.ts"

export const rowAt = (seq: number): Row => {
  const key = `agent ${seq % 7}`
  const makers: readonly (() => Unnumbered)[] = [
    () => sample.admitted(key),
    () => sample.holdPlaced(`hold ${seq}`, key),
    () => sample.holdSettled(`hold ${seq - 1}`, key, { tokens: seq }),
    () => sample.usageRecorded(`call ${seq}`, key, { tokens: seq, model: "модель" }),
  ]
  const [row] = sample.numbered(seq - 1, [(makers[seq % 4] ?? makers[0] ?? sample.never)()])
  return row ?? sample.never()
}

export const rowsTo = (seq: number): readonly Row[] =>
  Array.from({ length: seq }, (_, at) => rowAt(at + 1))
