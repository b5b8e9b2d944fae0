/** Where the ledger is. */
import { homedir } from "node:os"
import { posix, win32 } from "node:path"
import type { Environment } from "./environment.ts"

/** What the place depends on. */
export interface Machine {
  readonly platform: NodeJS.Platform
  readonly env: Environment
  readonly home: string
  readonly folder: string
}

export const thisMachine = (): Machine => ({
  platform: process.platform,
  env: process.env,
  home: homedir(),
  folder: process.cwd(),
})

/**
 * The ledger's absolute path: as given, from the working directory; null means the user's state
 * folder. A leading `~/` is the home folder, since no shell expands it in a file or a variable.
 */
export const ledgerPath = (given: string | null, machine: Machine): string =>
  given === null
    ? pathsOf(machine).join(stateFolder(machine), "stint.db")
    : filePath(given, machine)

/** Absolute, by the same rules. */
export const filePath = (given: string, machine: Machine): string => {
  const path = pathsOf(machine)
  const home = /^~[/\\](.*)$/s.exec(given)
  return home === null
    ? path.resolve(machine.folder, given)
    : path.join(machine.home, home[1] ?? "")
}

const pathsOf = ({ platform }: Machine) => (platform === "win32" ? win32 : posix)

/** Where Stint keeps what is its own, for this user. */
export const stateFolder = (machine: Machine): string => {
  const { platform, env, home } = machine
  const path = pathsOf(machine)
  // By its specification a relative XDG_STATE_HOME counts as not set.
  const absolute = (folder: string | undefined, otherwise: string): string =>
    folder !== undefined && path.isAbsolute(folder) ? folder : otherwise
  if (platform === "win32")
    return path.join(absolute(env.LOCALAPPDATA, path.join(home, "AppData", "Local")), "stint")
  if (platform === "darwin") return path.join(home, "Library", "Application Support", "stint")
  return path.join(absolute(env.XDG_STATE_HOME, path.join(home, ".local", "state")), "stint")
}
