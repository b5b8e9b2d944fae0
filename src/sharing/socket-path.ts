/**
 * Where a ledger's holder listens: `PATH.sock`, beside it.
 *
 * The name of a Unix socket is bounded to about a hundred bytes. Where that is too short the
 * socket lies in a private folder of the user's, and `PATH.sock` is a link to it.
 */
import { createHash } from "node:crypto"
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { basename, dirname, join } from "node:path"

/** macOS has 104, its last one a zero; Linux four more. */
const NAME_BYTES_MAX = 100
const HASH_LENGTH = 32

/** Two names of one ledger share its socket. */
export const socketBeside = (ledger: string): string => {
  const folder = dirname(ledger)
  if (existsSync(ledger)) return `${realpathSync(ledger)}.sock`
  return `${existsSync(folder) ? join(realpathSync(folder), basename(ledger)) : ledger}.sock`
}

/** Where to connect to; it may not be there. */
export const socketToConnect = (ledger: string): string => {
  const beside = socketBeside(ledger)
  try {
    return readlinkSync(beside)
  } catch {
    return beside
  }
}

/**
 * Makes room for the socket and says where to listen. What lies there is what a dead holder
 * left: only whoever holds the ledger's lock may call this.
 */
export const socketToListenOn = (ledger: string): string => {
  const beside = socketBeside(ledger)
  removeSocket(ledger)
  if (Buffer.byteLength(beside) <= NAME_BYTES_MAX) return beside
  const hash = createHash("sha256").update(beside).digest("hex").slice(0, HASH_LENGTH)
  const short = join(privateFolder(), `${hash}.sock`)
  rmSync(short, { force: true })
  symlinkSync(short, beside)
  return short
}

export const removeSocket = (ledger: string): void => {
  const beside = socketBeside(ledger)
  rmSync(socketToConnect(ledger), { force: true })
  rmSync(beside, { force: true })
}

/** Nobody else may put a socket of theirs in its place. */
const privateFolder = (): string => {
  const { uid } = userInfo()
  const runtime = process.env.XDG_RUNTIME_DIR
  const parent = runtime !== undefined && existsSync(runtime) ? runtime : tmpdir()
  const folder = join(parent, `stint-${uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (found.isDirectory() && found.uid === uid && (found.mode & 0o077) === 0) return folder
  throw new Error(
    `The folder ${folder}, where the socket of a ledger with a long name belongs, is open to others. Remove it.`,
  )
}
