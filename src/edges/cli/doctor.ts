/** `stint doctor`: what this machine, the settings and the ledger are fit for. */
import * as Result from "effect/Result"
import { usedOf } from "../../../machines/budget/account.ts"
import { isoOf } from "../../../machines/budget/summary.ts"
import type { Instant } from "../../../machines/vocabulary.ts"
import { keptLayer } from "../../config/kept.ts"
import { ConfigurationError } from "../../config/problem.ts"
import { resolveSettings } from "../../config/resolve.ts"
import type { FileUpstreams } from "../../config/upstreams-file.ts"
import { BadCall } from "./arguments.ts"
import { type CommandSettings, commandSettings } from "./command-settings.ts"
import { agentFindings } from "./doctor/agent-findings.ts"
import { clockFindings } from "./doctor/clock-findings.ts"
import { type Finding, good, isSound, note } from "./doctor/finding.ts"
import { lookAtLedger } from "./doctor/ledger-findings.ts"
import { limiterFindings } from "./doctor/limiter-findings.ts"
import { priceFindings } from "./doctor/price-findings.ts"
import { processFindings } from "./doctor/process-findings.ts"
import { doctorJson, doctorReport } from "./doctor/report.ts"
import { settingsFindings, wrongSettings } from "./doctor/settings-findings.ts"
import { type DoctorCall, doctorSheet, readDoctorArguments } from "./doctor-arguments.ts"
import { EXIT } from "./exit-status.ts"
import { dollars } from "./figures.ts"
import { type CommandIo, say, told, wantsColour, write } from "./output.ts"

export interface DoctorIo extends CommandIo {
  readonly now: () => Instant
}

const SOMETHING_WRONG = 1

/** `argv` begins after the word `doctor`. Resolves with the exit status: 0, 1 or 125. */
export const doctorCommand = (argv: readonly string[], io: DoctorIo): Promise<number> =>
  told(io, async () => {
    const call = readDoctorArguments(argv)
    if (call === null) {
      await write(io.stdout, [doctorSheet.help()])
      return EXIT.completed
    }
    if (call.acceptClock) await acceptClock(call, io)
    const findings = await examine(call, io)
    await write(io.stdout, [printed(findings, call, io)])
    return isSound(findings) ? EXIT.completed : SOMETHING_WRONG
  })

const examine = async (call: DoctorCall, io: DoctorIo): Promise<readonly Finding[]> => {
  const settings = await readSettings(call, io)
  const { findings, file } =
    settings instanceof ConfigurationError
      ? { findings: [wrongSettings(settings.message)], file: {} }
      : await withSettings(settings, io)
  return [
    good("node", `${process.versions.node} on ${process.platform} ${process.arch}`),
    ...findings,
    ...(await processFindings(io.env)),
    terminalFinding(io),
    ...(call.agent === null ? [] : agentFindings(call.agent, { ...io, file })),
  ]
}

const readSettings = (
  call: DoctorCall,
  io: DoctorIo,
): Promise<CommandSettings | ConfigurationError> =>
  commandSettings(call.flags, io.env, io.cwd).catch((error: unknown) => {
    if (error instanceof ConfigurationError) return error
    throw error
  })

const withSettings = async (
  settings: CommandSettings,
  io: DoctorIo,
): Promise<{ readonly findings: readonly Finding[]; readonly file: FileUpstreams }> => {
  const { findings, budget } = await lookAtLedger(settings.ledger)
  const now = io.now()
  const ledger = keptLayer(budget?.kept ?? {})
  const resolved = resolveSettings({ ...settings.sources, ledger })
  if (Result.isFailure(resolved))
    return { findings: [wrongSettings(resolved.failure.message), ...findings], file: {} }
  const { success } = resolved
  const all = [
    ...settingsFindings(success),
    ...findings,
    ...clockFindings(success.budget, budget, now),
    ...limiterFindings(success.budget, budget, now),
    ...(await priceFindings(success, io.env)),
  ]
  return { findings: all, file: success.upstreams }
}

const terminalFinding = ({ isTTY, columns, env }: CommandIo): Finding => {
  if (!isTTY) return note("terminal", "standard output is none: plain lines, no live view")
  const colour = wantsColour(env, isTTY) ? "in colour" : "without colour"
  return good("terminal", `${columns ?? 80} columns, ${colour}, TERM=${env.TERM ?? ""}`)
}

const printed = (findings: readonly Finding[], call: DoctorCall, io: DoctorIo): string => {
  if (call.json) return doctorJson(findings)
  const view = { width: io.columns ?? 80, colour: wantsColour(io.env, io.isTTY) }
  return doctorReport(findings, view)
    .map((line) => `${line}\n`)
    .join("")
}

/** Refuses before it opens anything for writing: a ledger whose clock is right stays untouched. */
const acceptClock = async (call: DoctorCall, io: DoctorIo): Promise<void> => {
  const { ledger: path } = await commandSettings(call.flags, io.env, io.cwd)
  await checkClockIsWrong(path, io.now())
  const { openSqliteLedger } = await import("../../ledger/sqlite.ts")
  const host = await import("../../host/accept-clock.ts")
  const ledger = await openSqliteLedger(path)
  try {
    const { after } = await host.acceptClock(ledger, io.now())
    const money = usedOf(after.dayCost)
    const used = `${usedOf(after.day)} tokens${money === 0 ? "" : ` and ${dollars(money)}`}`
    await say(io, `the clock is accepted: the day ${after.window.id} is open, with ${used} used`)
  } finally {
    await ledger.close()
  }
}

const checkClockIsWrong = async (path: string, now: Instant): Promise<void> => {
  const { openSqliteReader } = await import("../../ledger/sqlite/reader.ts")
  const host = await import("../../host/accept-clock.ts")
  const { recoverBudget } = await import("../../host/recover.ts")
  const reader = await openSqliteReader(path)
  if (reader === null)
    throw new BadCall(`--accept-clock: there is no ledger at ${path}, so no clock to accept`)
  try {
    const budget = await recoverBudget(reader)
    const { verdict } = await host.decideAcceptance(reader, budget, now)
    if (verdict === "steps") return
    const began = isoOf(budget.window.startsAt)
    throw new BadCall(
      `--accept-clock: the clock reads ${isoOf(now)} and the open day began ${began}: nothing to accept; nothing was changed`,
    )
  } finally {
    reader.close()
  }
}
