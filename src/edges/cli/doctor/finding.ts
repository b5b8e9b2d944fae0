/** What one check found, in words. */

/** `good`: as it should be. `note`: weaker than it could be. `bad`: something will not work. */
export type Verdict = "good" | "note" | "bad"

export interface Finding {
  readonly check: string
  readonly verdict: Verdict
  readonly text: string
  /** What stands below it, one a line. */
  readonly details: readonly string[]
}

const finding =
  (verdict: Verdict) =>
  (check: string, text: string, details: readonly string[] = []): Finding => ({
    check,
    verdict,
    text,
    details,
  })

export const good = finding("good")
export const note = finding("note")
export const bad = finding("bad")

export const isSound = (findings: readonly Finding[]): boolean =>
  findings.every(({ verdict }) => verdict !== "bad")
