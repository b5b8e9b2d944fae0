/**
 * A launch profile: how one agent program, unchanged, is led through the gateway.
 *
 * Pure: what it needs to know of the disk it is told by `Disk`. It never edits the user's own
 * configuration; what it has to put into files goes into a private folder of the agent's.
 */
import type { Environment } from "../../config/environment.ts"
import type { AgentProgram, MeterName } from "../../config/plan.ts"

/** Whose API a call speaks. */
export type Vendor = "anthropic" | "openai" | "google"

export const VENDORS: readonly Vendor[] = ["anthropic", "openai", "google"]

export type ProgramName = Exclude<AgentProgram, "auto" | "none"> | "generic"

/** What may be looked at. */
export interface Disk {
  /** A file's text; null where there is none that can be read. */
  readonly read: (path: string) => string | null
  /** The names in a folder; none where there is no folder. */
  readonly list: (path: string) => readonly string[]
  readonly isFolder: (path: string) => boolean
  /** Whether anyone may write to the folder or to one above it. */
  readonly isWorldWritable: (folder: string) => boolean
}

export interface Situation {
  /** Where this agent's calls enter, `http://127.0.0.1:PORT/a/TOKEN`, without a slash at the end. */
  readonly gateway: string
  /** What the agent shows at the gateway; null: its own sign-in, if it has one, is passed on. */
  readonly keys: Readonly<Record<Vendor, string | null>>
  readonly command: readonly [string, ...(readonly string[])]
  /** As it would be without us, the plan's own variables included. */
  readonly env: Environment
  /** In hard mode: a call whose cost cannot be told beforehand would be refused. */
  readonly mustBeBounded: boolean
  readonly home: string
  /** Where it runs. */
  readonly cwd: string
  readonly platform: NodeJS.Platform
  /** Absolute: where its files will be. Nothing is there yet. */
  readonly folder: string
  readonly disk: Disk
}

export type LaunchFile =
  | { readonly path: string; readonly text: string }
  /** A link to a file or folder of the user's own. */
  | { readonly path: string; readonly target: string }

export interface Claim {
  /**
   * `reserved`: it has no way to a model but through the gateway. `metered`: its calls come through
   * the gateway, and some may not. Null: none is known to, and its class is what its meter makes it.
   */
  readonly enforcement: "reserved" | "metered" | null
  /** Why it is not more. */
  readonly because: readonly string[]
}

export interface Launch {
  readonly program: ProgramName
  readonly env: Readonly<Record<string, string>>
  /** Variables to take away; none of them is in `env`. */
  readonly unset: readonly string[]
  /** Goes into the command line at `argsAt`. */
  readonly args: readonly string[]
  readonly argsAt: number
  /** Relative to the situation's folder. */
  readonly files: readonly LaunchFile[]
  readonly stopSignal: NodeJS.Signals
  readonly claim: Claim
}

/** Which program a command line starts. */
export interface Recognised {
  readonly program: ProgramName
  /** Where arguments for the program go; null where none can be added. */
  readonly argsAt: number | null
  /** The user has named it; otherwise the command line has told. */
  readonly isNamed: boolean
}

/** What a profile adds to what every agent gets. */
export interface Additions {
  readonly env?: Readonly<Record<string, string>>
  /** Variables to keep although they are credentials: a sign-in that is passed on. */
  readonly keep?: readonly string[]
  readonly args?: readonly string[]
  readonly files?: readonly LaunchFile[]
  readonly claim: Claim
}

export interface Profile {
  readonly program: ProgramName
  /** As people call it. */
  readonly title: string
  readonly meter: MeterName
  /** Whose keys it can use. */
  readonly vendors: readonly Vendor[]
  readonly stopSignal: NodeJS.Signals
  /** Where it keeps a sign-in or keys of its own, if it keeps any. */
  readonly keepsCredentialsIn: (situation: Place) => readonly string[]
  readonly additions: (situation: Situation, recognised: Recognised) => Additions
}

/** Of a situation what places depend on. */
export type Place = Pick<Situation, "env" | "home">

export const RESERVED: Claim = { enforcement: "reserved", because: [] }

/** `reserved` unless something speaks against it. */
export const claimUnless = (because: readonly string[]): Claim =>
  because.length === 0 ? RESERVED : { enforcement: "metered", because }

export const notThrough = (because: string): Claim => ({ enforcement: null, because: [because] })

export const isPassedOn = ({ keys }: Situation): boolean =>
  VENDORS.every((vendor) => keys[vendor] === null)
