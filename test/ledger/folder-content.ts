/** What lies in a folder, to see that nothing of it changed. */
import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/**
 * Each file's name with a hash of its content. Not the lock, which looking at a ledger takes,
 * and of `-shm` only that it is there: it is an index of the log, made again at each opening.
 */
export const contentOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder)
      .filter((file) => !file.endsWith("-lock"))
      .map((file) => [file, file.endsWith("-shm") ? "" : hashOf(join(folder, file))]),
  )

const hashOf = (file: string): string =>
  createHash("sha256").update(readFileSync(file)).digest("hex")
