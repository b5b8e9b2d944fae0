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
  const { main } = await import("./main.ts")
  process.exitCode = await main(process.argv.slice(2))
}
