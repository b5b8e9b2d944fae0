/** YAML as data whose lines are known, so that a message can point at one. */
import * as Result from "effect/Result"
import type { Document, LineCounter, YAMLError } from "yaml"
import { InexactNumber, isExactly } from "./decimal.ts"
import type { ConfigurationError, Problem } from "./problem.ts"
import { configurationError } from "./problem.ts"
import type { NamedValues, Path } from "./source.ts"

type Yaml = typeof import("yaml")

/**
 * Reads one YAML document; an empty one is an empty map.
 *
 * Fails with every syntax error, doubled keys included, by line. A number that JavaScript cannot
 * hold exactly stays apart from the one it would be rounded to, so that decoding refuses it.
 * `yaml` is loaded only here: a start without a file does not pay for it.
 */
export const readYaml = async (
  text: string,
  name: string,
): Promise<Result.Result<NamedValues, ConfigurationError>> => {
  // CommonJS: in a bundle its names are on the default alone.
  const { default: yaml } = await import("yaml")
  const lines = new yaml.LineCounter()
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [first, ...rest] = [...document.errors, ...document.warnings].map((error) =>
    problemOf(error, text, name, lines),
  )
  if (first !== undefined) return Result.fail(configurationError([first, ...rest]))
  keepInexactNumbers(yaml, document)
  return dataOf(document, name, (path) => lineOf(yaml, document, lines, path))
}

const dataOf = (
  document: Document.Parsed,
  name: string,
  lineOfPath: (path: Path) => number | null,
): Result.Result<NamedValues, ConfigurationError> => {
  try {
    return Result.succeed({ name, value: document.toJS() ?? {}, lineOf: lineOfPath })
  } catch (error) {
    // An alias that names nothing, or so many of them that they would fill the memory.
    const found = error instanceof Error ? error.message : String(error)
    return Result.fail(configurationError([unreadable(name, null, "", found)]))
  }
}

const unreadable = (source: string, line: number | null, key: string, found: string): Problem => ({
  reason: "unreadable",
  source,
  line,
  key,
  found,
  allowed: "a YAML map of settings",
})

const problemOf = (error: YAMLError, text: string, source: string, lines: LineCounter): Problem => {
  const { line } = lines.linePos(error.pos[0])
  if (error.code !== "DUPLICATE_KEY") return unreadable(source, line, "", error.message)
  const key = /^[^:\s]*/.exec(text.slice(error.pos[0]))?.[0] ?? ""
  return {
    reason: "duplicate_key",
    source,
    line,
    key,
    found: "it a second time",
    allowed: "it once",
  }
}

const keepInexactNumbers = (yaml: Yaml, document: Document.Parsed): void => {
  yaml.visit(document, {
    Scalar: (place, node) => {
      if (place === "key" || typeof node.value !== "number" || node.source === undefined) return
      if (!isExactly(node.value, node.source)) node.value = new InexactNumber(node.source)
    },
  })
}

/** The line of the key at `path`, or of the nearest key above it that is there. */
const lineOf = (
  yaml: Yaml,
  document: Document.Parsed,
  lines: LineCounter,
  path: Path,
): number | null => {
  let node: unknown = document.contents
  let offset: number | null = null
  for (const step of path) {
    if (yaml.isSeq(node)) {
      node = node.items[Number(step)]
      if (yaml.isNode(node)) offset = node.range?.[0] ?? offset
      continue
    }
    if (!yaml.isMap(node)) break
    const pair = node.items.find(({ key }) => yaml.isScalar(key) && String(key.value) === step)
    if (pair === undefined) break
    if (yaml.isScalar(pair.key)) offset = pair.key.range?.[0] ?? offset
    node = pair.value
  }
  return offset === null ? null : lines.linePos(offset).line
}
