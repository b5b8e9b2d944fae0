import { describe, it } from "vitest"
import { real } from "./machines.ts"
import { tables } from "./tables.ts"

describe.each(Object.entries(tables))("%s", (_, checks) => {
  it.each(Object.entries(checks))("%s", (_, check) => check(real))
})
