/** The pieces the generated pages are made of. */
export const code = (text: string): string => `\`${text.replaceAll("|", "\\|")}\``

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")

export const diagram = (text: string): string => `\`\`\`mermaid\n${text}\n\`\`\``

/** A page: its parts with an empty line between them, and a newline at its end. */
export const page = (...parts: readonly string[]): string => `${parts.join("\n\n")}\n`
