/** Text in columns for a terminal: padded as it is seen, coloured afterwards. */
import { styleText } from "node:util"

export type Style = "bold" | "dim" | "green" | "yellow" | "red"

export interface Cell {
  readonly text: string
  readonly style?: Style | undefined
  readonly align?: "left" | "right"
  readonly width?: number
}

/** One line of cells, two spaces apart; without trailing space. */
export const columns = (cells: readonly Cell[], colour: boolean): string =>
  cells
    .map((cell, index) => padded(cell, colour, index === cells.length - 1))
    .join("  ")
    .trimEnd()

const padded = ({ text, style, align, width = 0 }: Cell, colour: boolean, isLast: boolean) => {
  const space = " ".repeat(Math.max(0, width - text.length))
  const painted = paint(text, style, colour)
  if (align === "right") return space + painted
  return isLast ? painted : painted + space
}

export const paint = (text: string, style: Style | undefined, colour: boolean): string =>
  colour && style !== undefined && text !== ""
    ? styleText(style, text, { validateStream: false })
    : text

const CONTROL = /\p{Cc}|\p{Cf}/gu

/** A name as a terminal may show it: no control characters, cut in its middle. */
export const fitted = (name: string, width: number): string => {
  const clean = name.replaceAll(CONTROL, "�")
  if (clean.length <= width) return clean
  const head = Math.ceil((width - 1) / 2)
  return `${clean.slice(0, head)}…${clean.slice(clean.length - (width - 1 - head))}`
}

/** Prose in lines of at most `width` characters. */
export const wrapped = (text: string, width: number): readonly string[] => {
  const lines: string[] = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    const joined = `${last} ${word}`
    if (last === undefined || joined.length > width) lines.push(word)
    else lines[lines.length - 1] = joined
  }
  return lines
}
