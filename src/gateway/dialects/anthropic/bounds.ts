/** What makes a call of Anthropic's Messages API cost more than its body shows. */
import { isObject } from "../../../meters/fields.ts"
import type { Json } from "../dialect.ts"
import {
  anySet,
  type BoundedCall,
  type BoundRule,
  unknownParameter,
} from "../request/bound-rule.ts"
import {
  foundKind,
  gathered,
  isMisspelled,
  isNot,
  isOneOf,
  kindOf,
  listOf,
  objectsOf,
  UNTOLD,
} from "../request/kinds.ts"

/** Tools that run where the agent runs. Any other is the provider's until it is known not to be. */
const CLIENT_TOOL = isOneOf([null, "custom"], ["bash", "text_editor", "computer", "memory"])
export const VENDOR_TOOL = isOneOf([], ["bash", "text_editor", "computer", "memory"])

const TEXT = ["text", "thinking", "redacted_thinking", "tool_use", "tool_result", "search_result"]
const SEALED = ["thinking", "redacted_thinking"]
const MEDIA = ["image", "document"]
/** What a provider's tool left in the conversation: sealed, or a name for something longer. */
const SERVED = [
  "server_tool_use",
  "web_search_tool_result",
  "web_fetch_tool_result",
  "code_execution_tool_result",
  "bash_code_execution_tool_result",
  "text_editor_code_execution_tool_result",
  "tool_search_tool_result",
  "tool_reference",
  "mcp_tool_use",
  "mcp_tool_result",
  "advisor_tool_result",
]
/** Sources of media whose bytes are in the body. */
const INLINE = ["base64", "text", "content"]

export const ANTHROPIC_RULES: readonly BoundRule[] = [
  {
    rule: "server-tool",
    treatment: "unboundable",
    trigger:
      "a tool whose `type` is not `custom`, `bash_*`, `text_editor_*`, `computer_*` or `memory_*`",
    why: "the provider runs it and bills what it reads as input (a web search: 2,068 tokens became 22,397)",
    found: ({ fields }) => foundKind(listOf(fields.value("tools")), "`tools`", isNot(CLIENT_TOOL)),
  },
  {
    rule: "mcp-servers",
    treatment: "unboundable",
    trigger: "`mcp_servers`",
    why: "the provider calls the servers itself, as often as the model asks, and bills each turn",
    found: anySet("mcp_servers"),
  },
  {
    rule: "container",
    treatment: "unboundable",
    trigger: "`container`",
    why: "skills and files in a container are read by the model, and are not in the body",
    found: anySet("container"),
  },
  {
    rule: "compaction",
    treatment: "unboundable",
    trigger: "`compaction`, or an edit of `context_management` other than `clear_*`",
    why: "a compaction is one more call, billed beside the answer and not bounded by its cap",
    found: (call) => anySet("compaction")(call) ?? compactingEdit(call),
  },
  {
    rule: "thread",
    treatment: "unboundable",
    trigger: "`thread`",
    why: "the conversation is held by the provider, and is not in the body",
    found: anySet("thread"),
  },
  {
    rule: "other-models",
    treatment: "unboundable",
    trigger: "`fallbacks`",
    why: "another model may answer, with a cap and prices of its own, after the first was billed",
    found: anySet("fallbacks"),
  },
  {
    rule: "referenced-source",
    treatment: "unboundable",
    trigger: "an image or document whose source is a `url` or a `file`; `container_upload`",
    why: "what it refers to is not in the body, and an address may give something else each time",
    found: ({ fields }) => {
      for (const block of blocksOf(fields)) {
        if (kindOf(block) === "container_upload") return "`container_upload` in `messages`"
        if (!isMedia(block) || !isObject(block)) continue
        const outside = foundKind([block.source], "a source", isNot(isOneOf(INLINE)))
        if (outside !== null) return outside
      }
      return null
    },
  },
  {
    rule: "unknown-content",
    treatment: "unboundable",
    trigger: "a content block of a kind the gateway does not know",
    why: "a kind of content that is not known to be text may stand for more than its bytes",
    found: ({ fields }) =>
      foundKind(
        blocksOf(fields),
        "`messages`",
        isNot(isOneOf([...TEXT, ...MEDIA, ...SERVED, "container_upload"])),
      ),
  },
  unknownParameter(),
  {
    rule: "media",
    treatment: "provider_count",
    trigger: "an image or document whose bytes are in the body",
    why: "it is billed by its size in pixels or pages, not by its bytes",
    found: ({ fields }) => foundKind(blocksOf(fields), "`messages`", isOneOf(MEDIA)),
  },
  {
    rule: "served-results",
    treatment: "provider_count",
    trigger: "results of the provider's own tools, and `tool_reference`, in the conversation",
    why: "they are sealed or stand for text that is elsewhere, and are billed as input",
    found: ({ fields }) => foundKind(blocksOf(fields), "`messages`", isOneOf(SERVED)),
  },
  {
    rule: "sealed-thinking",
    treatment: "bounded",
    trigger: "`thinking` with its `signature`, `redacted_thinking`",
    why: "a sealed text is as long as the text or longer, so its bytes bound it",
    found: ({ fields }) => foundKind(blocksOf(fields), "`messages`", isOneOf(SEALED)),
  },
]

const isMedia = (block: unknown): boolean => isOneOf(MEDIA)(kindOf(block))

const compactingEdit = ({ fields }: BoundedCall): string | null => {
  const management = fields.value("context_management")
  if (management === undefined || management === null) return null
  if (!isObject(management) || Object.keys(management).some((key) => key !== "edits"))
    return "`context_management` has more than `edits`"
  return foundKind(
    listOf(management.edits),
    "`context_management`",
    (kind) => !(kind ?? "").startsWith("clear_"),
  )
}

/** Every block of the conversation, those within results and documents too. Bounded by the depth. */
const blocksOf = gathered(function* (fields: BoundedCall["fields"]): Iterable<unknown> {
  yield* within(fields.value("system"))
  for (const message of listOf(fields.value("messages"))) {
    if (!isObject(message) || isMisspelled(message)) yield UNTOLD
    else yield* within(message.content)
  }
})

function* within(content: unknown): Iterable<unknown> {
  if (typeof content === "string") return
  for (const block of listOf(content)) {
    yield block
    if (!isObject(block)) continue
    if (HOLDS_BLOCKS(kindOf(block))) yield* within(block.content)
    for (const source of sourcesOf(block)) yield* within(source.content)
  }
}

/** The content of a server's result is its own affair: the result as a whole is told of. */
const HOLDS_BLOCKS = isOneOf(["tool_result", "search_result"])

const sourcesOf = (block: Json): readonly Json[] =>
  kindOf(block) === "document" ? objectsOf(block.source) : []
