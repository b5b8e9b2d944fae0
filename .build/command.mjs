/**
 * Bundles the command into `dist/command`: one file for each of its subcommands, because a start
 * that reads three hundred modules takes most of its time finding them. The library's doors stay
 * as the compiler writes them. Plain JavaScript: a bare machine's older Node may run it.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const ROOT = fileURLToPath(new URL("..", import.meta.url))
const OUT = join(ROOT, "dist/command")
const TABLE = /[/\\]edges[/\\]cli[/\\]commands\.ts$/

/** Both are found by their address beside whoever starts them, so their names stay. */
const PROGRAMS = {
  "guard-main": "src/runners/guard-main.ts",
  worker: "src/ledger/sqlite/worker.ts",
}

const inputs = new Set()

/** What is loaded on demand stays a file of its own. */
const bundle = async (name, entry, plugins = []) => {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { [name]: entry },
    outdir: OUT,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    metafile: true,
    legalComments: "none",
    logLevel: "warning",
    // Some packages within are CommonJS and ask for Node's modules in its way.
    banner: {
      js: 'import { createRequire as requireFrom } from "node:module"; const require = requireFrom(import.meta.url);',
    },
    plugins,
  })
  for (const input of Object.keys(metafile.inputs)) inputs.add(input)
}

/** Each file that the table of commands loads becomes a bundle beside the front. */
const loaded = new Map()
const apart = {
  name: "apart",
  setup: ({ onResolve }) => {
    onResolve({ filter: /^\.\// }, ({ kind, importer, path, resolveDir }) => {
      if (kind !== "dynamic-import" || !TABLE.test(importer)) return undefined
      const name = path.slice("./".length).replace(/\.ts$/, "")
      loaded.set(name, join(resolveDir, path))
      return { path: `./${name}.js`, external: true }
    })
  },
}

/** Every package that is part of a bundle, with the licence it is given under. */
const licences = () => {
  const folders = new Set(
    [...inputs].flatMap((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0] ?? []),
  )
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(ROOT, folder, "package.json"), "utf8"),
    )
    const file = readdirSync(join(ROOT, folder)).find((each) => /^licen[cs]e/i.test(each))
    const text = file === undefined ? "" : readFileSync(join(ROOT, folder, file), "utf8").trim()
    return `${name} ${version} (${license})\n\n${text}\n`
  })
}

rmSync(OUT, { recursive: true, force: true })
await bundle("bin", "src/bin.ts", [apart])
for (const [name, entry] of [...Object.entries(PROGRAMS), ...loaded]) await bundle(name, entry)
writeFileSync(join(OUT, "LICENSES.txt"), licences().join(`\n${"-".repeat(80)}\n\n`))
