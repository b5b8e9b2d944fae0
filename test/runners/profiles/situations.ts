/** Situations to launch in, on a disk made of words. */
import type { Disk, Situation } from "../../../src/runners/profiles/profile.ts"

export const GATEWAY = "http://127.0.0.1:4100/a/worker-1"
export const HOME = "/home/ann"
export const FOLDER = "/home/ann/.local/state/stint/launches/1"

export const KEYS = { anthropic: "agent-a", openai: "agent-o", google: "agent-g" }
export const NO_KEYS = { anthropic: null, openai: null, google: null }

/** Files by path; the folders are those of the files. */
export const diskOf = (
  files: Readonly<Record<string, string>>,
  openToAll: string[] = [],
): Disk => ({
  read: (path) => files[path] ?? null,
  list: (folder) => [
    ...new Set(
      Object.keys(files)
        .filter((path) => path.startsWith(`${folder}/`))
        .map((path) => path.slice(folder.length + 1).split("/")[0] ?? ""),
    ),
  ],
  isFolder: (folder) => Object.keys(files).some((path) => path.startsWith(`${folder}/`)),
  isWorldWritable: (folder) => openToAll.some((path) => folder.startsWith(path)),
})

export const situation = (
  command: Situation["command"],
  changes: Partial<Situation> = {},
): Situation => ({
  gateway: GATEWAY,
  keys: KEYS,
  command,
  env: { PATH: "/usr/bin", HOME },
  home: HOME,
  cwd: "/work",
  platform: "linux",
  mustBeBounded: true,
  folder: FOLDER,
  disk: diskOf({}),
  ...changes,
})
