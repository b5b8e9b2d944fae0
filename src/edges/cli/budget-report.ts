/** The settings of a budget and where each comes from: for people, and as JSON. */
import type { InForce } from "../../config/kept.ts"
import { writeText } from "../../config/kinds.ts"
import type { Origin, SourceKind } from "../../config/resolve.ts"
import { type SettingKey, settingsOf } from "../../config/settings-table.ts"
import type { BudgetStanding, Kept } from "../../sharing/keep.ts"
import { type Cell, columns, type Style } from "./columns.ts"

const SHOWN = settingsOf("budget")

/** What people call a source; the same words in JSON. */
const SOURCES: Readonly<Record<SourceKind, string>> = {
  flag: "flag",
  environment: "variable",
  plan: "plan",
  ledger: "ledger",
  file: "file",
  default: "default",
  run: "run",
}

export const budgetJson = (ledger: string, { inForce, holder }: BudgetStanding): string => {
  const settings = SHOWN.map(({ key }) => [key, entryOf(inForce, key)] as const)
  return jsonOf({ ledger, holder, settings: Object.fromEntries(settings) })
}

export const keptJson = (
  ledger: string,
  { inForce, holder, changed }: Kept,
  key: SettingKey,
): string => jsonOf({ ledger, holder, changed, setting: key, ...entryOf(inForce, key) })

const jsonOf = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/** `kept` only where something is, also when a nearer source hides it. */
const entryOf = (inForce: InForce, key: SettingKey) => {
  const { from, name } = inForce.origins[key]
  const kept = inForce.kept[key]
  return {
    value: valueIn(inForce, key),
    from: SOURCES[from],
    name,
    ...(kept === undefined ? {} : { kept }),
  }
}

/** No cost limit is in force without the gateway. */
const valueIn = (inForce: InForce, key: SettingKey): unknown => {
  const settings: Partial<Record<SettingKey, unknown>> = inForce.settings
  return settings[key] ?? null
}

export const budgetTable = (
  { inForce, holder }: BudgetStanding,
  view: { readonly colour: boolean },
): readonly string[] => {
  const rows = SHOWN.map(({ key }) => [
    key,
    writeText(valueIn(inForce, key)),
    describedOrigin(inForce, key),
  ])
  const lines = [["SETTING", "VALUE", "FROM"], ...rows]
  const widths = [0, 1].map((at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)))
  const cells = (line: readonly string[], style: Style | undefined): readonly Cell[] =>
    line.map((text, at) => ({ text, style, width: widths[at] ?? 0 }))
  return [
    ...lines.map((line, at) => columns(cells(line, at === 0 ? "dim" : undefined), view.colour)),
    "",
    holder === null
      ? "no run holds the ledger: a run started here begins with these"
      : `process ${holder} holds the ledger: these apply to everybody on it`,
  ]
}

const describedOrigin = ({ origins, kept }: InForce, key: SettingKey): string => {
  const origin = origins[key]
  const value = kept[key]
  const hidden = value !== undefined && origin.from !== "ledger"
  return hidden ? `${describe(origin)}; kept: ${writeText(value)}` : describe(origin)
}

/** `flag --grace-seconds`, `file stint.yaml`, `ledger`. */
export const describe = ({ from, name }: Origin): string => {
  if (from === "default" || from === "ledger") return SOURCES[from]
  return from === "run" ? name : `${SOURCES[from]} ${name}`
}

/** What became of `set` or `unset`, in one line. */
export const keptLine = (
  ledger: string,
  { inForce, holder, changed }: Kept,
  key: SettingKey,
): string => {
  const kept = inForce.kept[key]
  const origin = inForce.origins[key]
  const value = writeText(valueIn(inForce, key))
  const where = holder === null ? "a run started here" : `the run of process ${holder}`
  if (!changed) return `${key} is not kept in ${ledger}; nothing was changed`
  if (kept === undefined) {
    const now = holder === null ? "begins with" : "now has"
    return `${key} is no longer kept in ${ledger}; ${where} ${now} ${value} (${describe(origin)})`
  }
  const head = `${key} is kept as ${writeText(kept)} in ${ledger}`
  if (origin.from !== "ledger")
    return `${head}, but hidden: ${where} has ${value} (${describe(origin)})`
  return holder === null
    ? `${head}; the next run begins with it`
    : `${head}, and applies now to ${where}`
}
