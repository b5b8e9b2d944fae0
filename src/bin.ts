#!/usr/bin/env node
/** The command's front step: checks the Node it runs on before anything newer is loaded. */
const NODE_MAJOR_MIN = 24

const major = Number(process.versions.node.split(".")[0])
if (major < NODE_MAJOR_MIN) {
  process.stderr.write(
    `stint: needs Node ${NODE_MAJOR_MIN} or newer, this is ${process.versions.node}; ` +
      "install it, or run through npx inside a project that has the `node` package\n",
  )
  process.exitCode = 125
} else {
  await rememberCompiledCode()
  const { main } = await import("./main.ts")
  try {
    process.exitCode = await main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(
      `stint: a fault of its own, please report it: ${error instanceof Error ? error.stack : error}\n`,
    )
    process.exitCode = 125
  }
}

/**
 * Keeps what Node has compiled in the user's own cache folder, so that the next start is quicker.
 * Never in a folder that others may write to: whoever can change compiled code runs as us.
 */
async function rememberCompiledCode(): Promise<void> {
  const { enableCompileCache } = await import("node:module")
  const { homedir } = await import("node:os")
  const { isAbsolute, join } = await import("node:path")
  const chosen = process.env.XDG_CACHE_HOME ?? ""
  const cache = isAbsolute(chosen) ? chosen : join(homedir(), ".cache")
  // Sources change between runs; only the built program is worth it.
  if (import.meta.url.endsWith(".js")) enableCompileCache(join(cache, "stint", "compiled"))
}
