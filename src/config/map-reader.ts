/** Reads maps and lists of a file by hand, where a table of settings is too flat for them. */
import { isMap } from "./explain.ts"
import { showValue } from "./found.ts"
import { nearest } from "./nearest.ts"
import type { Problem } from "./problem.ts"
import type { NamedValues, Path } from "./source.ts"

type Values = Readonly<Record<string, unknown>>

/** Goes on after a mistake, so that all of them are told at once. */
export class MapReader {
  readonly problems: Problem[] = []
  protected readonly source: NamedValues

  constructor(source: NamedValues) {
    this.source = source
  }

  /** An empty map where there is none. */
  protected mapAt(path: Path, value: unknown, keys: readonly string[]): Values {
    const map = isMap(value) ? value : {}
    if (!isMap(value)) this.wrong(path, value, `a map of ${keys.join(", ")}`)
    this.knownKeys(path, map, keys)
    return map
  }

  protected knownKeys(path: Path, map: Values, known: readonly string[]): void {
    for (const key of Object.keys(map)) {
      if (known.includes(key)) continue
      const near = nearest(key, known)
      const advice = `one of ${known.join(", ")}${near === null ? "" : ` (did you mean ${near}?)`}`
      this.add("unknown_key", [...path, key], "an unknown key", advice)
    }
  }

  protected wrong(path: Path, found: unknown, allowed: string): null {
    this.add("invalid_value", path, found === undefined ? "nothing" : showValue(found), allowed)
    return null
  }

  protected add(reason: Problem["reason"], path: Path, found: string, allowed: string): void {
    this.problems.push(this.problem(reason, path, found, allowed))
  }

  protected problem(
    reason: Problem["reason"],
    path: Path,
    found: string,
    allowed: string,
  ): Problem {
    const { name, lineOf, under = [] } = this.source
    const whole = [...under, ...path]
    return {
      reason,
      source: name,
      line: lineOf?.(whole) ?? null,
      key: indexed(whole.join(".")),
      found,
      allowed,
    }
  }
}

/** `agents[2].cwd` for `agents.2.cwd`. */
export const indexed = (key: string): string => key.replace(/\.(\d+)(?=\.|$)/g, "[$1]")
