/** One agent program: what of it is here, and what Stint would do to lead it through the gateway. */
import { existsSync, realpathSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import * as Result from "effect/Result"
import type { Environment } from "../../../config/environment.ts"
import type { AgentProgram } from "../../../config/plan.ts"
import { describePlace, type Place } from "../../../config/problem.ts"
import { type KeySource, resolveUpstreams, type Upstreams } from "../../../config/upstreams.ts"
import type { FileUpstreams } from "../../../config/upstreams-file.ts"
import { readJsonMap } from "../../../runners/profiles/json-text.ts"
import { launchOf, profileOf } from "../../../runners/profiles/launch.ts"
import { launchRoot, systemDisk } from "../../../runners/profiles/launch-folder.ts"
import type { Launch, Profile, Situation, Vendor } from "../../../runners/profiles/profile.ts"
import { programOfPackage } from "../../../runners/profiles/recognise.ts"
import { findProgram } from "../../../runners/program.ts"
import { bad, type Finding, good, note } from "./finding.ts"

export type NamedProgram = Exclude<AgentProgram, "auto" | "none">

/** Programs one can install; the others are whatever calls models through an SDK. */
const INSTALLED: readonly NamedProgram[] = ["claude", "codex", "gemini", "opencode", "pi"]

interface Here {
  readonly env: Environment
  readonly cwd: string
  /** What the settings file says of upstreams. */
  readonly file: FileUpstreams
}

/** Names of variables, files and places; never a value. */
export const agentFindings = (
  program: NamedProgram,
  { env, cwd, file }: Here,
): readonly Finding[] => {
  const profile = profileOf(program)
  const home = env.HOME ?? homedir()
  const resolved = resolveUpstreams(file, env)
  if (Result.isFailure(resolved)) return [bad("upstream", resolved.failure.message)]
  const upstreams = resolved.success
  const situation = situationOf(program, upstreams, { env, cwd, home })
  const launch = launchOf(program, situation)
  return [
    ...(INSTALLED.includes(program) ? [programFinding(program, profile, cwd, env.PATH)] : []),
    ...credentialsFinding(profile, situation),
    upstreamFinding(profile, upstreams),
    ...(launch === null ? [] : [launchFinding(launch, env), claimFinding(launch)]),
  ]
}

/** As a run's would be, with a word in place of each address and key. */
const situationOf = (
  program: NamedProgram,
  upstreams: Upstreams,
  here: Pick<Situation, "env" | "cwd" | "home">,
): Situation => {
  const keyOf = (vendor: Vendor): string | null => (upstreams[vendor].key === null ? null : "KEY")
  const { env, cwd, home } = here
  const machine = { platform: process.platform, env, home, folder: cwd }
  return {
    ...here,
    gateway: "http://127.0.0.1:PORT/a/AGENT",
    keys: { anthropic: keyOf("anthropic"), openai: keyOf("openai"), google: keyOf("google") },
    command: [program],
    platform: process.platform,
    mustBeBounded: true,
    folder: join(launchRoot(machine, systemDisk), "AGENT"),
    disk: systemDisk,
  }
}

const programFinding = (
  program: NamedProgram,
  { title }: Profile,
  cwd: string,
  path: string | undefined,
): Finding => {
  const found = findProgram(program, cwd, path)
  if ("started" in found)
    return bad("program", `${title}: no folder of PATH has a program named ${program}: install it`)
  const version = versionOf(realpathSync(found.file))
  return good("program", `${title} ${version ?? "of an unknown version"}, ${found.file}`)
}

/** Read from where it is installed: the program is not started. */
const versionOf = (file: string): string | null => {
  const inPath = /\/versions\/(\d+\.\d+\.\d+[\w.-]*)(?:\/|$)/.exec(file)?.[1]
  if (inPath !== undefined) return inPath
  for (let folder = dirname(file); dirname(folder) !== folder; folder = dirname(folder)) {
    const { name, version } = readJsonMap(systemDisk.read(join(folder, "package.json"))) ?? {}
    const isIts = typeof name === "string" && programOfPackage(name) !== null
    if (isIts && typeof version === "string") return version
  }
  return null
}

const credentialsFinding = (profile: Profile, situation: Situation): readonly Finding[] => {
  const places = profile.keepsCredentialsIn(situation)
  if (places.length === 0) return []
  const kept = places.filter((place) => existsSync(place))
  if (kept.length === 0)
    return [good("credentials", `${profile.title} keeps none in ${places.join(" or ")}`)]
  const isHidden = profile.vendors.some((vendor) => situation.keys[vendor] !== null)
  const text = `${profile.title} keeps some in ${kept.join(" and ")}`
  return [
    isHidden
      ? good("credentials", `${text}: left alone, and not used while a key is given`)
      : note("credentials", `${text}: these would be passed on`),
  ]
}

const upstreamFinding = ({ vendors }: Profile, upstreams: Upstreams): Finding => {
  const details = vendors.map((vendor) => {
    const { baseUrl, baseUrlFrom, key, proxy } = upstreams[vendor]
    const from = baseUrlFrom === null ? "" : ` (${nameOf(baseUrlFrom)})`
    const through = proxy === null ? "" : ` through ${proxy.url.host} (${nameOf(proxy.place)})`
    return `${vendor}: ${baseUrl.href}${from}${through} with ${key === null ? "no key, only its own sign-in" : keyWords(key)}`
  })
  return vendors.some((vendor) => upstreams[vendor].key !== null)
    ? good("upstream", "calls go on to", details)
    : note("upstream", "no key is set; calls go on to", details)
}

/** A command's words may hold what is secret, so only where it was said is told. */
const keyWords = (key: KeySource): string => {
  const where = nameOf(key.place)
  if (key.from === "environment") return `the key in ${where}`
  return key.from === "file"
    ? `the key in the file ${key.path} (${where})`
    : `the key that a command prints (${where})`
}

const nameOf = (place: Place): string =>
  place.source === "environment" ? place.key : describePlace(place)

const launchFinding = (launch: Launch, env: Environment): Finding => {
  const taken = launch.unset.filter((name) => env[name] !== undefined)
  const details = [
    `sets ${Object.keys(launch.env).join(", ")}`,
    `takes away ${taken.length === 0 ? "nothing that is set" : taken.join(", ")}`,
    ...(launch.args.length === 0 ? [] : [`adds ${launch.args.map(withoutValue).join(" ")}`]),
    ...launch.files.map((file) =>
      "text" in file ? `writes ${file.path}` : `links ${file.path} to ${file.target}`,
    ),
    `asks it to end with ${launch.stopSignal}`,
  ]
  return good("launch", "in a private folder and this agent's environment alone, a run", details)
}

const withoutValue = (word: string): string => word.replace(/=.*$/s, "=…")

const claimFinding = ({ claim: { enforcement, because } }: Launch): Finding => {
  if (enforcement === "reserved")
    return good("class", "reserved: no way to a model but through the gateway is known")
  const text =
    enforcement === null
      ? "none of its calls is known to pass the gateway"
      : "metered: its calls pass the gateway, and some might not"
  return note("class", text, because)
}
