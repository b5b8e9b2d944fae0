import { execFileSync, spawnSync } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"

const ROOT = fileURLToPath(new URL("../../", import.meta.url))
const MANIFEST = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))

/** What a consumer would have in its `node_modules` beside Stint. */
const BESIDE = [
  ...Object.keys(MANIFEST.dependencies),
  ...Object.keys(MANIFEST.peerDependencies),
  "@types/node",
]

const CONSUMER: Readonly<Record<string, string>> = {
  stint: `import { startSupervisor, type Summary } from "stint"
const supervisor = await startSupervisor({ budget: { dailyTokenLimit: 10 } })
const { dailyTokenLimit }: Summary = supervisor.summary()
await supervisor.close()
export const outcome: number | null = dailyTokenLimit`,
  "stint/effect": `import { layerMemory } from "stint/effect"
export const outcome: string = typeof layerMemory`,
  "stint/machines": `import { supervisorMachine } from "stint/machines"
export const outcome: string = supervisorMachine.id`,
  "stint/nestjs": `import "reflect-metadata"
import { BudgetModule, type BudgetService } from "stint/nestjs"
export type Service = BudgetService
export const outcome: string = BudgetModule.name`,
  "stint/terminal": `import { openLiveView } from "stint/terminal"
export const outcome: string = typeof openLiveView`,
}

let folder = ""
const installed = (): string => join(folder, "node_modules/stint")

const link = (name: string): void => {
  const at = join(folder, "node_modules", name)
  mkdirSync(dirname(at), { recursive: true })
  symlinkSync(join(ROOT, "node_modules", name), at)
}

/** As `npm install` of the tarball does, with what is here in place of a registry. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "stint-package-"))
  execFileSync("npm", ["run", "build"], { cwd: ROOT, stdio: "ignore" })
  execFileSync("npm", ["pack", "--ignore-scripts", "--pack-destination", folder], {
    cwd: ROOT,
    stdio: "ignore",
  })
  mkdirSync(installed(), { recursive: true })
  const tarball = readdirSync(folder).find((file) => file.endsWith(".tgz")) ?? ""
  execFileSync("tar", ["-xzf", join(folder, tarball), "-C", installed(), "--strip-components=1"])
  for (const name of BESIDE) link(name)
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }')
}, 300_000)

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("the package, installed in another folder", () => {
  const doors = Object.keys(MANIFEST.exports).filter((door) => door !== "./package.json")

  it("has the doors that are tried here, and no other", () => {
    expect(doors.map((door) => door.replace(/^\./, "stint"))).toEqual(Object.keys(CONSUMER))
  })

  it("opens every door, with its types", () => {
    const files = Object.entries(CONSUMER).map(([door, source]) => {
      const file = `${door.replace("/", "-")}.ts`
      writeFileSync(join(folder, file), source)
      return file
    })
    const options = { module: "NodeNext", target: "ES2024", strict: true, noEmit: true }
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions: { ...options, types: ["node"] }, files }),
    )
    const checked = spawnSync(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder], {
      encoding: "utf8",
    })
    expect([checked.stdout, checked.status]).toEqual(["", 0])
    for (const file of files) {
      const loaded = spawnSync(
        process.execPath,
        ["-e", `import("./${file}").then(({ outcome }) => console.log(outcome))`],
        { cwd: folder, encoding: "utf8" },
      )
      expect([file, loaded.status, loaded.stderr]).toEqual([file, 0, ""])
      expect(loaded.stdout.trim()).not.toMatch(/^(|undefined)$/)
    }
  })

  it("runs its command, with a guard, a ledger and an exit status", () => {
    const bin = join(installed(), MANIFEST.bin.stint)
    const env = { PATH: process.env.PATH, XDG_STATE_HOME: folder, XDG_CACHE_HOME: folder }
    const stint = (...words: readonly string[]) =>
      spawnSync(process.execPath, [bin, ...words], { cwd: folder, env, encoding: "utf8" })
    expect(stint("--version").stdout.trim()).toBe(MANIFEST.version)
    const line = '{"type":"stint.usage","inputTokens":30,"outputTokens":4}'
    const ran = stint("run", "--", "sh", "-c", `echo '${line}'; exit 7`)
    expect([ran.status, ran.stdout]).toEqual([7, `${line}\n`])
    const plan =
      "agents:\n  - { id: a, command: 'exit 0' }\n  - { id: b, command: [sh, -c, 'exit 0'] }\n"
    writeFileSync(join(folder, "stint.yaml"), "dailyTokenLimit: 5000000\n")
    writeFileSync(join(folder, "plan.yaml"), plan)
    const planned = stint("run", "plan.yaml")
    expect([planned.status, planned.stderr]).toEqual([0, expect.stringContaining("2 completed")])
    writeFileSync(join(folder, "plan.yaml"), plan.replace("command", "comand"))
    const mistaken = stint("run", "--check", "plan.yaml")
    expect([mistaken.status, mistaken.stderr]).toEqual([
      125,
      expect.stringContaining("did you mean command?"),
    ])
    const status = stint("status", "--json")
    expect(JSON.parse(status.stdout)).toMatchObject({ dailyTokensUsed: 34, activeAgents: 0 })
    const history = stint("history", "--format", "json")
    expect([history.status, history.stderr]).toEqual([0, ""])
    expect(stint("doctor", "--help").status).toBe(0)
    expect(stint("completions", "bash").stdout).toContain("replay")
    const replayed = stint("replay", "usage.ndjson")
    expect(replayed.status).toBe(125)
    expect(replayed.stderr).toContain("usage.ndjson")
  })

  it("logs through the pino that is installed beside it", () => {
    const bin = join(installed(), MANIFEST.bin.stint)
    const env = { PATH: process.env.PATH, XDG_STATE_HOME: folder, XDG_CACHE_HOME: folder }
    const words = ["run", "--inspect", "--inspect-url", "ws://127.0.0.1:9", "--", "true"]
    const ran = spawnSync(process.execPath, [bin, ...words], { cwd: folder, env, encoding: "utf8" })
    const logged = ran.stderr.split("\n").filter((line) => line.startsWith("{"))
    expect(logged.map((line) => JSON.parse(line))).toMatchObject([{ level: 40, name: "stint" }])
  })

  it("names the licence of everything that is bundled: every dependency but the log's", () => {
    const text = readFileSync(join(installed(), "dist/command/LICENSES.txt"), "utf8")
    const bundled = Object.keys(MANIFEST.dependencies).filter((name) => name !== "pino")
    for (const name of bundled) expect(text).toContain(`${name} `)
    for (const part of text.split(/^-{80}$/m)) expect(part).toMatch(/Permission (?:is|to) /)
  })
})
