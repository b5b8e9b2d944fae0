/** The settings a run would have here, and where each came from. */
import { showValue } from "../../../config/found.ts"
import type { ResolvedSettings } from "../../../config/resolve.ts"
import { type Setting, settingsOf } from "../../../config/settings-table.ts"
import { bad, type Finding, good, note } from "./finding.ts"

const SHOWN = settingsOf("budget", "gateway", "run")

export const settingsFindings = (settings: ResolvedSettings): readonly Finding[] => {
  const own = SHOWN.filter(({ key }) => settings.origins[key].from !== "default")
  const text =
    own.length === 0
      ? `all ${SHOWN.length} at their defaults`
      : `${own.length} of ${SHOWN.length} set, the others at their defaults`
  const details = own.map(
    (setting) =>
      `${setting.key} = ${showValue(settled(settings, setting))} (${settings.origins[setting.key].name})`,
  )
  return [
    good("settings", text, details),
    ...settings.warnings.map((warning) => note("settings", warning)),
  ]
}

/** Told a line each, as the commands tell them. */
export const wrongSettings = (message: string): Finding => {
  const lines = message.split("\n")
  return bad("settings", `${lines.length === 1 ? "a mistake" : `${lines.length} mistakes`}`, lines)
}

const settled = ({ budget, gateway, run }: ResolvedSettings, { key }: Setting): unknown =>
  ({ ...budget, ...gateway, ...run })[key]
