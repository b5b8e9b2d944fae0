/** The items, parts and tools of a request of the Responses API, wherever they stand. */
import { isObject } from "../../../meters/fields.ts"
import type { Json } from "../dialect.ts"
import type { Fields } from "../request/fields.ts"
import { gathered, isOneOf, kindOf, listOf } from "../request/kinds.ts"

export const itemsOf = (input: unknown): readonly unknown[] =>
  typeof input === "string" ? [] : listOf(input)

/** The parts of messages and of results; an item that is a part itself counts as one. */
export const partsOf = gathered(function* (fields: Fields): Iterable<unknown> {
  for (const item of itemsOf(fields.value("input"))) {
    if (!isObject(item)) continue
    for (const held of [item.content, item.output, item.summary])
      if (typeof held !== "string") yield* listOf(held)
    if (BARE_PART(kindOf(item))) yield item
  }
})

const BARE_PART = isOneOf(["input_image", "input_file", "input_audio", "image_url"])

/** Of the request, and those that items bring with them. */
export const toolsOf = (fields: Fields): readonly unknown[] => [
  ...listOf(fields.value("tools")),
  ...itemsOf(fields.value("input")).flatMap((item) => (isObject(item) ? listOf(item.tools) : [])),
]

const PLAIN_TOOL = isOneOf([
  ...["function", "custom", "local_shell", "apply_patch", "computer", "computer_use_preview"],
])

/** Runs where the agent runs. Any other is the provider's until it is known not to be. */
export const isClientTool = (tool: unknown): boolean => {
  const kind = kindOf(tool)
  if (PLAIN_TOOL(kind)) return true
  if (!isObject(tool)) return false
  if (kind === "shell") return isLocal(tool.environment)
  if (kind === "tool_search") return tool.execution === "client"
  return kind === "namespace" && listOf(tool.tools).every(isClientTool)
}

/** A search for tools that the client makes: what it found is in the body. */
export const isClientSearch = (item: unknown): boolean =>
  isObject(item) &&
  item.execution === "client" &&
  isOneOf(["tool_search_call", "tool_search_output"])(kindOf(item))

const isLocal = (environment: unknown): boolean =>
  environment === undefined || environment === null || kindOf(environment) === "local"

/** Vendors describe these themselves. */
export const isVendorTool = (tool: unknown): boolean =>
  isOneOf([
    "local_shell",
    "shell",
    "apply_patch",
    "computer",
    "computer_use_preview",
    "tool_search",
  ])(kindOf(tool))

/** A namespace counts as the tools it holds. */
export const flattened = (tools: readonly unknown[]): readonly Json[] =>
  tools.flatMap((tool) =>
    isObject(tool)
      ? [tool, ...(kindOf(tool) === "namespace" ? flattened(listOf(tool.tools)) : [])]
      : [],
  )
