/** Which source decides each setting, from the nearest to the furthest. */
import * as Result from "effect/Result"
import type { BudgetSettings } from "../../machines/budget/settings.ts"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import type { Decoded } from "./decode.ts"
import { budgetWith, decodeValues } from "./decode.ts"
import type { Environment } from "./environment.ts"
import { environmentToSettings } from "./environment.ts"
import { partsOfFile } from "./file-parts.ts"
import type { FlagValues } from "./flags.ts"
import { flagsToSettings } from "./flags.ts"
import type { OwnPrice } from "./prices.ts"
import type { ConfigurationError } from "./problem.ts"
import { configurationError } from "./problem.ts"
import type { Setting, SettingKey, SettingsPatch } from "./settings-table.ts"
import { SETTING_LIST, SETTINGS, settingsOf } from "./settings-table.ts"
import type { NamedValues } from "./source.ts"
import type { FileUpstreams } from "./upstreams-file.ts"

export interface SettingSources {
  readonly flags?: FlagValues
  readonly env?: Environment
  /** The `budget` of a plan. */
  readonly plan?: NamedValues
  /** What `stint budget set` left in the ledger. */
  readonly ledger?: NamedValues
  /** `stint.yaml`. */
  readonly file?: NamedValues
}

/** What a run needs beside its budget. */
export interface RunSettings {
  /** As it was given; null for the default place. `ledgerPath` makes it a path. */
  readonly ledger: string | null
  readonly retentionDays: number
  readonly idleMinutes: number
}

/** How a run's calls go to the providers. */
export interface GatewaySettings {
  readonly minAnswerTokens: number
  readonly defaultOutputTokens: number
  readonly wrapUpNote: boolean
}

/** `run`: of a run that has ended and whose limits go on; no source, so never resolved to. */
export type SourceKind = "flag" | "environment" | "plan" | "ledger" | "file" | "default" | "run"

export interface Origin {
  readonly from: SourceKind
  /** The flag, the variable or the file, for messages; `default` otherwise. */
  readonly name: string
}

export interface ResolvedSettings {
  readonly budget: BudgetSettings
  readonly run: RunSettings
  readonly gateway: GatewaySettings
  /** Stated in the file. */
  readonly prices: readonly OwnPrice[]
  /** As the file has them; `resolveUpstreams` lays the environment over them. */
  readonly upstreams: FileUpstreams
  readonly origins: Readonly<Record<SettingKey, Origin>>
  /** Mistakes that stop nothing, one line each. */
  readonly warnings: readonly string[]
}

/**
 * Every source decoded and laid over the next: flags, STINT_* variables, the plan, the ledger,
 * the file, defaults. A weight that a nearer source does not name stays as the further one has it.
 *
 * Fails with the problems of all sources together, also of one that a nearer source would hide.
 * To learn where the ledger is, resolve once without `ledger`.
 */
export const resolveSettings = (
  sources: SettingSources,
): Result.Result<ResolvedSettings, ConfigurationError> => {
  const environment = environmentToSettings(sources.env ?? {})
  const file = partsOfFile(sources.file)
  const nearestFirst: readonly Layer[] = [
    { from: "flag", nameOf: nameOfFlag, ...flagsToSettings(sources.flags ?? {}) },
    { from: "environment", nameOf: ({ variable }) => variable, ...environment },
    layerOf("plan", sources.plan, BUDGET),
    layerOf("ledger", sources.ledger, BUDGET),
    layerOf("file", file.settings, SETTING_LIST),
  ]
  const [first, ...rest] = [...nearestFirst, file].flatMap(({ problems }) => problems)
  if (first !== undefined) return Result.fail(configurationError([first, ...rest]))
  const { warnings } = environment
  const { prices, upstreams } = file
  const origins = originsIn(nearestFirst)
  return Result.succeed({ ...settled(nearestFirst), prices, upstreams, origins, warnings })
}

interface Layer extends Decoded {
  readonly from: SourceKind
  readonly nameOf: (setting: Setting, patch: SettingsPatch) => string
}

const BUDGET = settingsOf("budget")

const layerOf = (
  from: SourceKind,
  given: NamedValues | undefined,
  allowed: readonly Setting[],
): Layer => {
  const decoded = given === undefined ? { patch: {}, problems: [] } : decodeValues(given, allowed)
  return { from, nameOf: () => given?.name ?? from, ...decoded }
}

const nameOfFlag = ({ key, flag, switches }: Setting, patch: SettingsPatch): string =>
  `--${switches.find(({ value }) => value === patch[key])?.flag ?? flag}`

const DEFAULT_RUN: RunSettings = {
  ledger: SETTINGS.ledger.default,
  retentionDays: SETTINGS.retentionDays.default,
  idleMinutes: SETTINGS.idleMinutes.default,
}

const runWith = (base: RunSettings, patch: SettingsPatch): RunSettings => ({
  ledger: patch.ledger ?? base.ledger,
  retentionDays: patch.retentionDays ?? base.retentionDays,
  idleMinutes: patch.idleMinutes ?? base.idleMinutes,
})

const DEFAULT_GATEWAY: GatewaySettings = {
  minAnswerTokens: SETTINGS.minAnswerTokens.default,
  defaultOutputTokens: SETTINGS.defaultOutputTokens.default,
  wrapUpNote: SETTINGS.wrapUpNote.default,
}

const gatewayWith = (base: GatewaySettings, patch: SettingsPatch): GatewaySettings => ({
  minAnswerTokens: patch.minAnswerTokens ?? base.minAnswerTokens,
  defaultOutputTokens: patch.defaultOutputTokens ?? base.defaultOutputTokens,
  wrapUpNote: patch.wrapUpNote ?? base.wrapUpNote,
})

const settled = (nearestFirst: readonly Layer[]) => ({
  budget: nearestFirst.reduceRight((base, { patch }) => budgetWith(base, patch), DEFAULT_SETTINGS),
  run: nearestFirst.reduceRight((base, { patch }) => runWith(base, patch), DEFAULT_RUN),
  gateway: nearestFirst.reduceRight((base, { patch }) => gatewayWith(base, patch), DEFAULT_GATEWAY),
})

const originsIn = (nearestFirst: readonly Layer[]): Readonly<Record<SettingKey, Origin>> => {
  const originOf = (setting: Setting): Origin => {
    const layer = nearestFirst.find(({ patch }) => patch[setting.key] !== undefined)
    if (layer === undefined) return { from: "default", name: "default" }
    return { from: layer.from, name: layer.nameOf(setting, layer.patch) }
  }
  const origins = SETTING_LIST.map((setting) => [setting.key, originOf(setting)] as const)
  // SETTING_LIST holds every key of the table, so the record is whole.
  return Object.fromEntries(origins) as Record<SettingKey, Origin>
}
