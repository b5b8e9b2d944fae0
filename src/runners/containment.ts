/**
 * A PID namespace around an agent: when its first process dies the kernel kills all the others,
 * also those that left group, session and environment behind.
 */
import { spawnSync } from "node:child_process"

/** Words to put before a command, or why there are none. */
export type Containment =
  | { readonly available: true; readonly prefix: readonly string[] }
  | { readonly available: false; readonly message: string }

/**
 * The first process of a namespace ignores signals it has no handler for, and has to reap. The
 * command should do neither, so a shell stands above it, which does both, and passes its status on.
 */
const INIT = ["sh", "-c", '"$@"; exit $?', "sh"]

/** Best first. Without rights of its own, a user namespace gives them; a masked `/proc` cannot be mounted over. */
const UNSHARE_OPTIONS: readonly (readonly string[])[] = [
  ["--mount-proc"],
  ["--user", "--map-current-user", "--mount-proc"],
  [],
  ["--user", "--map-current-user"],
]

const TRIAL_TIMEOUT_MS = 5000

/** Tries out what this machine allows. Blocks for some milliseconds: ask once and keep the answer. */
export const findContainment = (env: NodeJS.ProcessEnv = process.env): Containment => {
  let problem = ""
  for (const options of UNSHARE_OPTIONS) {
    const words = ["--pid", "--fork", "--kill-child", ...options, "--", ...INIT]
    const trial = spawnSync("unshare", [...words, "true"], {
      env,
      timeout: TRIAL_TIMEOUT_MS,
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
    })
    if (trial.status === 0) return { available: true, prefix: ["unshare", ...words] }
    problem ||= trial.error?.message ?? trial.stderr.trim()
  }
  return {
    available: false,
    message: `This machine offers no PID namespaces, so --contain cannot be kept (${problem}). Install util-linux and allow user namespaces, or run without --contain.`,
  }
}
