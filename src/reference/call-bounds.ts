/** `docs/reference/call-bounds.md`: what bounds a model call, written from the rows the readers use. */
import { REQUEST_APIS } from "../gateway/dialects/all.ts"
import type { DialectName } from "../gateway/dialects/dialect.ts"
import type { Treatment } from "../gateway/dialects/request/bound-rule.ts"
import {
  EMBEDDED_TEXT_TOKENS,
  TEMPLATE_TOKENS,
  TOOL_TOKENS,
  VENDOR_TOOL_TOKENS,
} from "../gateway/dialects/request/input-bound.ts"
import { DEPTH_MAX } from "../gateway/dialects/request/json-spans.ts"
import { code, page, table } from "./markdown.ts"

const TREATMENTS: Readonly<Record<Treatment, string>> = {
  multiplies: "The bound of the answer is multiplied.",
  unboundable: "Refused in hard mode as `unboundable`; in soft mode let through and counted after.",
  provider_count:
    "The provider's own count of the input is asked for and settles it; without a count, refused in hard mode as `unboundable`.",
  bounded: "Its bytes bound it, although one might doubt that.",
}

const APIS: Readonly<Record<DialectName, { readonly title: string; readonly cap: string }>> = {
  "anthropic-messages": {
    title: "Anthropic Messages",
    cap: "`max_tokens`; a request without one is malformed. Thinking with a budget (`thinking.budget_tokens`) needs a cap above it.",
  },
  "openai-chat": {
    title: "OpenAI chat completions",
    cap: "`max_completion_tokens` or `max_tokens`, whichever was sent; with both, the larger is the bound and each is lowered; with none, `max_completion_tokens` is added.",
  },
  "openai-completions": {
    title: "OpenAI completions",
    cap: "`max_tokens`; with none, the API's own 16, which is put in.",
  },
  "openai-responses": {
    title: "OpenAI Responses",
    cap: "`max_output_tokens`; added when there is none.",
  },
  "openai-embeddings": { title: "OpenAI embeddings", cap: "none: there is no output." },
  "gemini-generate": {
    title: "Gemini generateContent",
    cap: "`generationConfig.maxOutputTokens`; added when there is none. Thinking with a budget (`thinkingConfig.thinkingBudget` above 0) needs a cap above it.",
  },
  "gemini-embed": { title: "Gemini embedContent", cap: "none: there is no output." },
}

const figure = (tokens: number): string => tokens.toLocaleString("en-US")

export const renderCallBoundsReference = (): string =>
  page(
    "<!-- Generated from src/gateway/dialects: change it there. -->",
    "# What bounds a model call",
    "Before a call leaves, the gateway holds the most it can cost: its input's bound, and for each answer the cap it is sent with. A request's own cap is lowered to what is granted and never raised; where it has none and the API allows one, one is added. Everything else in the body goes on byte for byte.",
    "## The input",
    inputBound(),
    "## What is malformed",
    `Two parsers must not read one body in two ways, so these are told as malformed, with what was found: bytes that are not UTF-8 or begin with a byte order mark, anything but one JSON object, more than ${DEPTH_MAX} levels, a key that stands twice in one object, a parameter in a spelling that only some server takes for it (\`Max_Tokens\`), both spellings of one of Google's parameters, a count that is not written in plain digits (\`1e9\`, \`100.0\`, \`"100"\`), a flag that is neither true nor false, and a body that names another model than its path.`,
    "## What is done with a row",
    table(
      ["treatment", "what happens"],
      Object.entries(TREATMENTS).map(([treatment, meaning]) => [code(treatment), meaning]),
    ),
    ...REQUEST_APIS.map(({ dialect, rules }) =>
      [
        `## ${APIS[dialect].title}`,
        `Cap: ${APIS[dialect].cap}`,
        table(
          ["rule", "what in the request", "treatment", "why"],
          rules.map(({ rule, trigger, treatment, why }) => [
            code(`${dialect}/${rule}`),
            trigger,
            code(treatment),
            why,
          ]),
        ),
      ].join("\n\n"),
    ),
  )

const inputBound = (): string =>
  [
    "The bound is the body's length in UTF-8 bytes (or, where it is more, the length after Unicode normalisation NFKC, which some vocabularies apply first, with a few bytes for each piece it is found in) plus an allowance for what the provider adds:",
    table(
      ["for", "tokens"],
      [
        ["each call: the prompts around tools, thinking and formats", figure(TEMPLATE_TOKENS)],
        ["each tool the client describes", figure(TOOL_TOKENS)],
        ["each tool its vendor describes (bash, editor, computer …)", figure(VENDOR_TOOL_TOKENS)],
        ["each text of an embedding", figure(EMBEDDED_TEXT_TOKENS)],
      ],
    ),
    "It holds because a token stands for one byte of text or more, and all text is in the body, never shorter than it is: an escape such as `\\n` or `\\u00e9` is longer than its character, base64 longer than its bytes, a number of a token array has a digit and a comma. What looks like a special token is either read as text, with its bytes, or is one token for all of them. Keys, quotes and brackets are not text, and pay for the provider's marks around each message.",
    "It rests on two things the gateway cannot see: that a provider describes a tool to its model in no more tokens than the tool's JSON has bytes and the allowance, and that a server which speaks another vendor's API heeds the cap it is sent.",
  ].join("\n\n")
