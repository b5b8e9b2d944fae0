import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterEach, describe, expect, it } from "vitest"
import { agentMachine } from "../../machines/agent.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import * as Vocabulary from "../../machines/vocabulary.ts"
import { chartOf, statesOf } from "../../src/reference/chart.ts"
import { drawChart } from "../../src/reference/mermaid.ts"
import { renderReasonsReference } from "../../src/reference/reasons.ts"
import { renderMachinesReference } from "../../src/reference/statecharts.ts"
import { outdatedPages, PAGES, writePages } from "../../src/reference/write.ts"

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const emptyFolder = (): URL => {
  const folder = mkdtempSync(join(tmpdir(), "stint-reference-"))
  folders.push(folder)
  return pathToFileURL(`${folder}/`)
}

describe("the generated pages", () => {
  it("are as their sources say (npm run fix writes them)", () => {
    expect(outdatedPages()).toEqual([])
  })

  it("are found out of date when missing or changed, and not after they were written", () => {
    const folder = emptyFolder()
    expect(outdatedPages(folder)).toEqual(Object.keys(PAGES))
    writePages(folder)
    expect(outdatedPages(folder)).toEqual([])
    writeFileSync(new URL("reasons.md", folder), `${renderReasonsReference()}\n`)
    expect(outdatedPages(folder)).toEqual(["reasons.md"])
  })

  it("explain every closed word of the vocabulary", () => {
    const page = renderReasonsReference()
    const words = [
      Vocabulary.RefusalReason,
      Vocabulary.StopReason,
      Vocabulary.Mechanism,
      Vocabulary.BudgetStatus,
      Vocabulary.Enforcement,
      Vocabulary.AgentState,
      Vocabulary.Provenance,
    ].flatMap((schema): readonly string[] => schema.literals)
    const missing = words.filter((word) => !new RegExp(`^\\| \`${word}\` \\| \\S`, "m").test(page))
    expect(words.length).toBeGreaterThan(35)
    expect(missing).toEqual([])
  })

  it("list every transition of every state with its guard and its actions", () => {
    const lines = renderMachinesReference().split("\n")
    expect(lines).toContain(
      "| `day.exhausted.enforced` | `usage.reported` | `spendsInGrace` |  | `recordUsage`, `endGrace` |",
    )
    expect(lines).toContain("| `day.open` |  | `dayExhausted` | `day.exhausted` |  |")
    expect(lines).toContain("| `stopping.grace` | entry |  |  | `interrupt` |")
    expect(lines).toContainEqual(
      expect.stringMatching(/^\| `supervisor` \| entry \|.*`spawn deadlines`, `spawn pool`/),
    )
  })
})

describe.each([
  ["supervisor", supervisorMachine],
  ["agent", agentMachine],
] as const)("the diagram of the %s", (_, machine) => {
  const chart = chartOf(machine)
  const lines = drawChart(chart)
    .split("\n")
    .map((line) => line.trim())
  const declared = lines.flatMap((line) => /^state "[\w-]+" as (\w+)/.exec(line)?.[1] ?? [])

  it("is made of the few kinds of lines that Mermaid knows", () => {
    const known =
      /^(?:stateDiagram-v2|--|\}|state "[\w-]+" as \w+(?: \{)?|(?:\[\*\]|\w+) --> (?:\[\*\]|\w+)(?: : [^:;#{}"]+)?|\w+ : [^:;#{}"]+)$/
    expect(lines.filter((line) => !known.test(line))).toEqual([])
  })

  it("closes every state that it opens", () => {
    const opened = lines.filter((line) => line.endsWith("{")).length
    expect(lines.filter((line) => line === "}")).toHaveLength(opened)
  })

  it("has every state once", () => {
    expect([...declared].sort()).toEqual(
      statesOf(chart)
        .map(({ id }) => id)
        .sort(),
    )
  })

  it("leads only to states that it has", () => {
    const ends = lines.flatMap((line) => {
      const arrow = /^(\S+) --> (\S+)/.exec(line)
      return arrow === null ? [] : [arrow[1] ?? "", arrow[2] ?? ""]
    })
    expect(ends.filter((end) => end !== "[*]" && !declared.includes(end))).toEqual([])
    expect(ends.length).toBeGreaterThan(10)
  })

  it("names every event that changes a state", () => {
    const events = statesOf(chart).flatMap(({ transitions }) =>
      transitions.flatMap(({ event, target }) => (target === null ? [] : (event ?? []))),
    )
    const missing = events.filter((event) => !lines.some((line) => line.includes(` : ${event}`)))
    expect(missing).toEqual([])
  })
})

it("the regions of the supervisor stand side by side", () => {
  const separators = drawChart(chartOf(supervisorMachine))
    .split("\n")
    .filter((line) => line.trim() === "--")
  expect(separators).toHaveLength(3)
})
