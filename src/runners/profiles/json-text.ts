/** JSON of other programs' settings: read if it can be, joined without losing what is there. */

export type JsonMap = Readonly<Record<string, unknown>>

export const isJsonMap = (value: unknown): value is JsonMap =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** An empty map for no text; null for one that is no plain JSON map. */
export const readJsonMap = (text: string | null | undefined): JsonMap | null => {
  if (text === null || text === undefined || text.trim() === "") return {}
  try {
    const value: unknown = JSON.parse(text)
    return isJsonMap(value) ? value : null
  } catch {
    return null
  }
}

/** `over` wins, map by map. */
export const joined = (under: JsonMap, over: JsonMap): JsonMap => {
  const result: Record<string, unknown> = { ...under }
  for (const [name, value] of Object.entries(over)) {
    const before = result[name]
    result[name] = isJsonMap(before) && isJsonMap(value) ? joined(before, value) : value
  }
  return result
}
