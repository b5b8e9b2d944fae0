/** What makes a call of OpenAI's Responses API cost more than its body shows. */
import { isObject } from "../../../meters/fields.ts"
import { anySet, type BoundRule, isSet, unknownParameter } from "../request/bound-rule.ts"
import { foundKind, isNot, isOneOf, kindOf } from "../request/kinds.ts"
import { OPENAI_MEDIA, SEARCHING_MODEL } from "../request/openai-rules.ts"
import { isClientSearch, isClientTool, itemsOf, partsOf, toolsOf } from "./items.ts"

const MEDIA = isOneOf(OPENAI_MEDIA)
const TEXT_PART = isOneOf([
  null,
  ...["input_text", "output_text", "text", "summary_text", "reasoning_text", "refusal"],
])
/** Items whose whole content is in the body, and was made by the client or for it. */
const WHOLE_ITEM = isOneOf([
  ...["message", "reasoning", "function_call", "function_call_output", "custom_tool_call"],
  ...["custom_tool_call_output", "local_shell_call", "local_shell_call_output", "shell_call"],
  ...["shell_call_output", "apply_patch_call", "apply_patch_call_output", "computer_call"],
  ...["computer_call_output", "additional_tools", "configuration_update"],
])

export const OPENAI_RESPONSES_RULES: readonly BoundRule[] = [
  {
    rule: "stored-conversation",
    treatment: "unboundable",
    trigger: "`previous_response_id`, `conversation`",
    why: "the conversation is held by the provider and billed again, and is not in the body",
    found: anySet("previous_response_id", "conversation"),
  },
  {
    rule: "stored-prompt",
    treatment: "unboundable",
    trigger: "`prompt`",
    why: "the template is held by the provider and may bring text, tools and files of its own",
    found: anySet("prompt"),
  },
  {
    rule: "stored-item",
    treatment: "unboundable",
    trigger:
      "`item_reference`, an item of only an `id`, `reasoning` with an `id` and no `encrypted_content`",
    why: "what it names is held by the provider and billed again, and is not in the body",
    found: ({ fields }) => storedItem(fields.value("input")),
  },
  {
    rule: "background",
    treatment: "unboundable",
    trigger: "`background`",
    why: "the answer is written after the call has ended, where nobody reads its usage along",
    found: anySet("background"),
  },
  {
    rule: "hosted-tool",
    treatment: "unboundable",
    trigger:
      "a tool whose `type` is not `function`, `custom`, `namespace` of these, `local_shell`, `apply_patch`, `computer*`, or `shell` and `tool_search` at the client",
    why: "the provider runs it and bills what it reads as input",
    found: ({ fields }) => {
      const tool = toolsOf(fields).find((each) => !isClientTool(each))
      return tool === undefined ? null : foundKind([tool], "`tools`", () => true)
    },
  },
  SEARCHING_MODEL,
  {
    rule: "pro-mode",
    treatment: "unboundable",
    trigger: "`reasoning.mode` other than `standard`",
    why: "the provider works on several answers at once and bills them all",
    found: ({ fields }) => {
      const reasoning = fields.value("reasoning")
      const mode = isObject(reasoning) ? (reasoning.mode ?? "standard") : "standard"
      return mode === "standard" ? null : "`reasoning.mode` is not `standard`"
    },
  },
  {
    rule: "compaction",
    treatment: "unboundable",
    trigger: "`context_management`, a `compaction` or `compaction_trigger` item",
    why: "a compaction is work beside the answer, and a sealed one stands for more than its bytes",
    found: (call) =>
      anySet("context_management")(call) ??
      foundKind(
        itemsOf(call.fields.value("input")),
        "`input`",
        isOneOf(["compaction", "compaction_trigger", "compaction_summary"]),
      ),
  },
  {
    rule: "other-models",
    treatment: "unboundable",
    trigger: "`models`, `route`, `plugins`",
    why: "another model than the one named may answer, or a search be made, at its own price",
    found: anySet("models", "route", "plugins"),
  },
  {
    rule: "media",
    treatment: "unboundable",
    trigger: "`input_image`, `input_file`, `input_audio`, screenshots, in messages and in results",
    why: "it is billed by its size or length, or refers to what is not in the body",
    found: ({ fields }) => foundKind(partsOf(fields), "`input`", MEDIA),
  },
  {
    rule: "hosted-item",
    treatment: "unboundable",
    trigger:
      "an item of a hosted tool (`web_search_call`, `file_search_call`, `mcp_*` …), or an unknown one",
    why: "what the tool found is billed again, and need not be in the body",
    found: ({ fields }) =>
      foundKind(
        itemsOf(fields.value("input")).filter((item) => !isClientSearch(item)),
        "`input`",
        isHosted,
      ),
  },
  {
    rule: "unknown-content",
    treatment: "unboundable",
    trigger: "a content part of a kind the gateway does not know",
    why: "a kind of content that is not known to be text may stand for more than its bytes",
    found: ({ fields }) =>
      foundKind(partsOf(fields), "`input`", (kind) => !TEXT_PART(kind) && !MEDIA(kind)),
  },
  unknownParameter(),
  {
    rule: "store",
    treatment: "bounded",
    trigger: "`store` alone",
    why: "keeping an answer costs nothing; only a later call that names it is not bounded",
    found: anySet("store"),
  },
  {
    rule: "sealed-reasoning",
    treatment: "bounded",
    trigger: "`reasoning` with its `encrypted_content`",
    why: "a sealed text is as long as the text or longer, so its bytes bound it",
    found: ({ fields }) =>
      itemsOf(fields.value("input")).some((item) => isObject(item) && isSet(item.encrypted_content))
        ? "`encrypted_content` in `input`"
        : null,
  },
]

/** Told by other rows: references, compactions. */
const OTHERWISE_TOLD = isOneOf([
  null,
  ...["item_reference", "compaction", "compaction_trigger", "compaction_summary"],
])

const isHosted = (kind: string | null): boolean =>
  isNot(WHOLE_ITEM)(kind) && isNot(OTHERWISE_TOLD)(kind) && isNot(MEDIA)(kind)

const storedItem = (input: unknown): string | null => {
  for (const item of itemsOf(input)) {
    if (!isObject(item)) continue
    const kind = kindOf(item)
    if (kind === "item_reference") return "`item_reference` in `input`"
    if (kind === null && item.role === undefined)
      return "an item without `type` and `role` in `input`"
    if (kind === "reasoning" && isSet(item.id) && !isSet(item.encrypted_content))
      return "`reasoning` without `encrypted_content` in `input`"
  }
  return null
}
