/** `docs/reference/cli.md`: every command's own help, as it prints it. */
import { COMMANDS } from "../edges/cli/commands.ts"
import { code, page, table } from "./markdown.ts"

/** Read once: pages are rendered without waiting. */
const HELPS: ReadonlyMap<string, string> = new Map(
  await Promise.all(
    Object.entries(COMMANDS).map(
      async ([name, { sheet }]) => [name, (await sheet()).help()] as const,
    ),
  ),
)

export const renderCommandLineReference = (): string =>
  page(
    "<!-- Generated from src/edges/cli/commands.ts: change it there. -->",
    "# The command line",
    "`stint --help` lists the commands, `stint COMMAND --help` says what stands here. Stint's own " +
      "words go to standard error. What the settings mean: [settings](settings.md); what a status " +
      "means: [exit statuses](exit-codes.md).",
    table(
      ["command", "what it does"],
      Object.entries(COMMANDS).map(([name, { summary }]) => [code(`stint ${name}`), summary]),
    ),
    ...[...HELPS].map(
      ([name, help]) => `## stint ${name}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\``,
    ),
  )
