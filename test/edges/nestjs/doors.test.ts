/** Importing one door loads no other door's dependencies. */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"

const LIST = fileURLToPath(new URL("fixtures/list-modules.ts", import.meta.url))
const SOURCE = new URL("../../../src/", import.meta.url)

const loadedBy = async (door: string): Promise<readonly string[]> => {
  const url = new URL(door, SOURCE).href
  const { stdout } = await promisify(execFile)(process.execPath, [LIST, url], {
    maxBuffer: 2 ** 26,
  })
  return JSON.parse(stdout)
}

/** The packages of the URLs, with a module's own path where the package is loaded piecemeal. */
const packagesOf = (urls: readonly string[]): readonly string[] => [
  ...new Set(
    urls.flatMap((url) => {
      const inside = url.split("/node_modules/").at(-1) ?? ""
      if (inside === url) return []
      const [scope = "", name = ""] = inside.split("/")
      return [scope.startsWith("@") ? `${scope}/${name}` : scope]
    }),
  ),
]

const below = (urls: readonly string[], folder: string): readonly string[] => {
  const prefix = new URL(folder, SOURCE).href
  return urls.filter((url) => url.startsWith(prefix)).map((url) => url.slice(prefix.length))
}

describe("the library's door", () => {
  it("loads no NestJS, no SQLite, no inspector, no logger, no parser and no edge", async () => {
    const urls = await loadedBy("index.ts")
    const packages = packagesOf(urls)
    expect(packages).toEqual(expect.arrayContaining(["effect", "xstate"]))
    const others = ["@nestjs/", "@statelyai/", "@effect/", "csv-parse", "pino", "yaml", "reflect-"]
    for (const foreign of others)
      expect(packages.filter((name) => name.startsWith(foreign))).toEqual([])
    expect(urls).not.toContain("node:sqlite")
    expect(urls).not.toContain("node:child_process")
    expect(below(urls, "edges/")).toEqual([])
    expect(below(urls, "replay/")).toEqual([])
  })
})

describe("the NestJS door", () => {
  it("loads NestJS, and of the rest only what the library loads", async () => {
    const urls = await loadedBy("edges/nestjs/index.ts")
    const packages = packagesOf(urls)
    expect(packages).toEqual(expect.arrayContaining(["@nestjs/common", "@nestjs/config"]))
    expect(packages).not.toContain("@nestjs/terminus")
    for (const foreign of ["@statelyai/", "@effect/", "csv-parse", "yaml"])
      expect(packages.filter((name) => name.startsWith(foreign))).toEqual([])
    expect(urls).not.toContain("node:sqlite")
    expect(below(urls, "edges/").filter((file) => !file.startsWith("nestjs/"))).toEqual([])
    expect(below(urls, "replay/")).toEqual([])
    expect(urls.filter((url) => url.includes("/effect/dist/unstable/"))).toEqual([])
  })
})
