/** The house rules that a machine can hold: floors, sizes, names, and what may not be written. */
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..")

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)))
    .filter((file) => !file.includes("node_modules/"))
    .sort()

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8")
const SOURCES = [...filesBelow("machines"), ...filesBelow("src")].filter((file) =>
  file.endsWith(".ts"),
)

/** Lowest first; a file may import from its own floor's folder and from every floor below. */
const FLOORS: readonly (readonly string[])[] = [
  ["machines/vocabulary.ts"],
  ["machines/budget/"],
  ["machines/"],
  ["src/config/", "src/log/"],
  ["src/ledger/", "src/runners/", "src/meters/", "src/inspector/", "src/pricing/"],
  ["src/usage/"],
  ["src/host/"],
  ["src/replay/", "src/sharing/", "src/gateway/"],
  ["src/index.ts", "src/effect.ts"],
  ["src/edges/"],
  ["src/main.ts", "src/reference/"],
  ["src/bin.ts"],
]

const floorOf = (file: string): number =>
  FLOORS.findIndex((prefixes) => prefixes.some((prefix) => file.startsWith(prefix)))

const importsOf = (file: string): readonly string[] =>
  [...read(file).matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((match) => match[1] ?? "")

const localImportsOf = (file: string): readonly string[] =>
  importsOf(file)
    .filter((target) => target.startsWith("."))
    .map((target) => relative(ROOT, join(ROOT, dirname(file), target)))

const edgeOf = (file: string): string | undefined => /^src\/edges\/([^/]+)\//.exec(file)?.[1]

describe("floors", () => {
  it("every source file stands on one", () => {
    expect(SOURCES.filter((file) => floorOf(file) < 0)).toEqual([])
  })

  it("a file imports only from its own floor's folder and from lower floors", () => {
    const climbing = SOURCES.flatMap((file) =>
      localImportsOf(file)
        .filter((target) => {
          if (floorOf(target) < floorOf(file)) return false
          return folderOf(target) !== folderOf(file)
        })
        .map((target) => `${file} → ${target}`),
    )
    expect(climbing).toEqual([])
  })

  it("no edge imports another edge", () => {
    const crossing = SOURCES.flatMap((file) => {
      const edge = edgeOf(file)
      return edge === undefined
        ? []
        : localImportsOf(file)
            .filter((target) => edgeOf(target) !== undefined && edgeOf(target) !== edge)
            .map((target) => `${file} → ${target}`)
    })
    expect(crossing).toEqual([])
  })

  it("budget arithmetic knows no package but Effect's data", () => {
    const allowed = ["effect/HashMap", "effect/Schema"]
    const foreign = SOURCES.filter((file) => file.startsWith("machines/budget/")).flatMap((file) =>
      importsOf(file).filter((target) => !target.startsWith(".") && !allowed.includes(target)),
    )
    expect(foreign).toEqual([])
  })

  it("nothing in machines touches the world", () => {
    const worldly =
      /\bDate\.now\b|new Date\(\)|Math\.random|(?<!\.)setTimeout|(?<!\.)setInterval|\basync\b|\bawait\b|new Promise|"node:|process\.|performance\./
    const touching = SOURCES.filter((file) => file.startsWith("machines/")).filter((file) =>
      worldly.test(withoutComments(read(file))),
    )
    expect(touching).toEqual([])
  })
})

const folderOf = (file: string): string =>
  FLOORS[floorOf(file)]?.find((p) => file.startsWith(p)) ?? ""

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:])\/\/.*$/gm, "$1")

describe("rules", () => {
  it("no limit is compared outside machines", () => {
    const limit =
      /(?:[<>]=?\s*[\w.?()]*(?:Limit|maxConcurrentAgents)\b)|(?:\b[\w.?()]*(?:Limit|maxConcurrentAgents)\s*[<>]=?)(?!\s*[\w"'{[]*>?\()/
    const ruling = SOURCES.filter((file) => file.startsWith("src/")).flatMap((file) =>
      withoutComments(read(file))
        .split("\n")
        .filter((line) => limit.test(line.replace(/<[A-Z][^<>]*>/g, "").replaceAll("=>", "")))
        .map((line) => `${file}: ${line.trim()}`),
    )
    expect(ruling).toEqual([])
  })

  it("no check is silenced", () => {
    const silenced = /@ts-(?:ignore|expect-error|nocheck)|biome-ignore|eslint-disable/
    const untyped = /\bas any\b(?! \w)|: any\b/
    const everywhere = [...SOURCES, ...filesBelow("test")].filter(
      (file) => file.endsWith(".ts") && !file.endsWith("tidy.test.ts"),
    )
    const silencing = everywhere.filter(
      (file) => silenced.test(read(file)) || untyped.test(withoutComments(read(file))),
    )
    expect(silencing).toEqual([])
  })

  it("no test is left out or slept through", () => {
    const lazy = /\b(?:it|describe|test)\.(?:only|todo)\b|setTimeout\([^)]*,\s*\d{3,}\)/
    const tests = filesBelow("test").filter(
      (file) => file.endsWith(".test.ts") && !file.endsWith("tidy.test.ts"),
    )
    expect(tests.filter((file) => lazy.test(read(file)))).toEqual([])
  })

  it("no file has a name that says nothing", () => {
    const empty = /(?:^|\/)(?:utils?|helpers?|common|types|misc)(?:\.|\/|$)/
    expect([...SOURCES, ...filesBelow("test")].filter((file) => empty.test(file))).toEqual([])
  })

  it("every source file is reached from a door", () => {
    const doors = [
      "machines/index.ts",
      "src/index.ts",
      "src/bin.ts",
      "src/effect.ts",
      "src/edges/cli/live/index.ts",
      "src/edges/nestjs/index.ts",
      "src/reference/write.ts",
    ]
    const byUrl = (file: string): readonly string[] =>
      [...read(file).matchAll(/["`](\.{1,2}\/[\w./-]+?)(?:\.ts|\.\$\{\w+\})?["`]/g)].map((match) =>
        relative(ROOT, join(ROOT, dirname(file), `${match[1]}.ts`)),
      )
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file) || !SOURCES.includes(file)) return
      reached.add(file)
      for (const target of [...localImportsOf(file), ...byUrl(file)]) visit(target)
    }
    for (const door of doors) visit(door)
    expect(SOURCES.filter((file) => !reached.has(file))).toEqual([])
  })
})

describe("sizes", () => {
  it("files stay below 300 lines", () => {
    const long = SOURCES.filter((file) => read(file).split("\n").length > 301)
    expect(long).toEqual([])
  })

  it("every document has one title", () => {
    const documents = ["README.md", ...filesBelow("docs").filter((file) => file.endsWith(".md"))]
    const titles = (text: string): number =>
      text.replace(/^```[\s\S]*?^```/gm, "").match(/^# /gm)?.length ?? 0
    expect(documents.filter((file) => titles(read(file)) !== 1)).toEqual([])
  })
})
