/** What stands after a command's flags. */
import { showText } from "../../config/found.ts"
import { BadCall } from "./arguments.ts"

export const refuseOperands = ([first]: readonly string[]): void => {
  if (first !== undefined)
    throw new BadCall(`command line: found ${showText(first)}, expected options only`)
}

export const oneOperand = (operands: readonly string[], expected: string): string => {
  const [only, second] = operands
  if (only === undefined)
    throw new BadCall(`command line: found no ${expected}, expected exactly one`)
  if (second !== undefined)
    throw new BadCall(
      `command line: found ${showText(second)} too, expected exactly one ${expected}`,
    )
  return only
}
