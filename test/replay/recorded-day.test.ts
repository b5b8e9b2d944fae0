/** A real team's day, where it is at hand: STINT_TEST_DATA, or the data folder beside the repository. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { DEFAULT_SETTINGS } from "../../machines/budget/settings.ts"
import { folder, NO_LIMITS, summaryOf } from "./recordings.ts"

const DATA = process.env.STINT_TEST_DATA ?? join(import.meta.dirname, "../../../shared/data")
const ARCHIVE = join(DATA, "claude-code-day/projects-2026-02-09.tar.gz")
const isAbsent = !existsSync(ARCHIVE)

const unpacked = async (): Promise<string> => {
  const made = await folder({})
  execFileSync("tar", ["-xzf", ARCHIVE, "-C", made])
  return join(made, "projects")
}

test.skipIf(isAbsent)(
  "the recorded day has 1,443 calls of 123,067,288 tokens (skipped without its data)",
  async () => {
    const summary = await summaryOf([await unpacked()], DEFAULT_SETTINGS)
    const { input, output, cacheWrite, cacheRead } = summary.tokens
    expect(summary).toMatchObject({ calls: 1_443, callsAllowed: 1_443, skippedLines: 0 })
    expect(input + output + cacheWrite + cacheRead).toBe(123_067_288)
    expect(summary.days).toMatchObject([
      { date: "2026-02-09", calls: 1_443, tokensUsed: 5_406_598, rawTokens: 123_067_288 },
    ])
  },
)

test.skipIf(isAbsent)("the recorded day has 27 sessions (skipped without its data)", async () => {
  const pauses = { idleMs: Number.MAX_SAFE_INTEGER }
  const refusing = { ...NO_LIMITS, maxConcurrentAgents: 0 }
  const { refused } = await summaryOf([await unpacked()], refusing, pauses)
  const sessions = refused.filter(({ agentId }) => !agentId.includes("/"))
  expect(sessions).toHaveLength(27)
  expect(refused.length - sessions.length).toBe(9)
})
