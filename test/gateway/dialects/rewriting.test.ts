/** A request with a smaller cap, asked for usage, or with a note: the rest byte for byte. */
import { describe, expect, it } from "vitest"
import { REQUEST_SIDES } from "../../../src/gateway/dialects/all.ts"
import type { DialectName, RequestChange } from "../../../src/gateway/dialects/dialect.ts"
import { bytesOf, DIALECTS, PLAIN } from "./requests.ts"

const NOTHING: RequestChange = { outputCap: null, askUsage: false, note: null }

const rewritten = (dialect: DialectName, body: string, change: Partial<RequestChange>): string =>
  REQUEST_SIDES[dialect].rewrite(bytesOf(body), { ...NOTHING, ...change }).toString("utf8")

const SPACED = '{ "n" : 1,\n\t"big": 12345678901234567890.10 , "é":"\\u00e9\\ud83d\\ude00 ☃", '

describe("a cap", () => {
  it.each([
    ["anthropic-messages", `${SPACED}"max_tokens" : 9000 }`, `${SPACED}"max_tokens" : 500 }`],
    ["openai-chat", `${SPACED}"max_tokens":9000}`, `${SPACED}"max_tokens":500}`],
    ["openai-chat", '{"a":1 }', '{"a":1,"max_completion_tokens":500 }'],
    ["openai-chat", '{"max_tokens":null}', '{"max_tokens":500}'],
    [
      "openai-chat",
      '{"max_tokens":100,"max_completion_tokens":9000}',
      '{"max_tokens":100,"max_completion_tokens":500}',
    ],
    [
      "openai-chat",
      '{"max_tokens":null,"max_completion_tokens":9000}',
      '{"max_tokens":null,"max_completion_tokens":500}',
    ],
    ["openai-completions", '{"prompt":"}"}', '{"prompt":"}","max_tokens":500}'],
    ["openai-responses", '{"input":"a\\\\"}', '{"input":"a\\\\","max_output_tokens":500}'],
    ["openai-embeddings", '{"input":"a"}', '{"input":"a"}'],
    ["gemini-generate", "{}", '{"generationConfig":{"maxOutputTokens":500}}'],
    ["gemini-generate", "{ }", '{"generationConfig":{"maxOutputTokens":500} }'],
    [
      "gemini-generate",
      '{"generationConfig":null,"a":1}',
      '{"generationConfig":{"maxOutputTokens":500},"a":1}',
    ],
    [
      "gemini-generate",
      '{"generationConfig": {"topK":1 } }',
      '{"generationConfig": {"topK":1,"maxOutputTokens":500 } }',
    ],
    [
      "gemini-generate",
      '{"generation_config":{}}',
      '{"generation_config":{"maxOutputTokens":500}}',
    ],
    [
      "gemini-generate",
      '{"generation_config":{"max_output_tokens":  9000}}',
      '{"generation_config":{"max_output_tokens":  500}}',
    ],
    ["gemini-embed", '{"content":{}}', '{"content":{}}'],
  ] as const)("of %s is put into %s", (dialect, body, expected) => {
    expect(rewritten(dialect, body, { outputCap: 500 })).toBe(expected)
  })

  it("is never raised, and the very bytes go on where nothing changes", () => {
    for (const dialect of DIALECTS) {
      const bytes = bytesOf(PLAIN[dialect])
      expect(REQUEST_SIDES[dialect].rewrite(bytes, NOTHING)).toBe(bytes)
    }
    const bytes = bytesOf(PLAIN["anthropic-messages"])
    const same = REQUEST_SIDES["anthropic-messages"].rewrite(bytes, {
      ...NOTHING,
      outputCap: 32000,
    })
    expect(same).toBe(bytes)
  })

  it("is not put into what only looks like a parameter", () => {
    const body = '{"messages":[{"content":"\\"max_tokens\\":9"},{"max_tokens":9}],"max_tokens":7}'
    expect(rewritten("anthropic-messages", body, { outputCap: 5 })).toBe(
      body.replace('"max_tokens":7', '"max_tokens":5'),
    )
  })
})

describe("usage", () => {
  it.each([
    ['{"stream":true}', '{"stream":true,"stream_options":{"include_usage":true}}'],
    [
      '{"stream":true,"stream_options":null}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    [
      '{"stream":true,"stream_options":{"include_obfuscation":false}}',
      '{"stream":true,"stream_options":{"include_obfuscation":false,"include_usage":true}}',
    ],
    [
      '{"stream_options":{"include_usage": false },"stream":true}',
      '{"stream_options":{"include_usage": true },"stream":true}',
    ],
    [
      '{"stream_options":{"include_usage":null},"stream":true}',
      '{"stream_options":{"include_usage":true},"stream":true}',
    ],
    [
      '{"stream":true,"stream_options":{"include_usage":true}}',
      '{"stream":true,"stream_options":{"include_usage":true}}',
    ],
    ['{"stream":false}', '{"stream":false}'],
    ["{}", "{}"],
  ])("is asked for in %s", (body, expected) => {
    expect(rewritten("openai-chat", body, { askUsage: true })).toBe(expected)
    expect(rewritten("openai-completions", body, { askUsage: true })).toBe(expected)
  })

  it("needs no asking elsewhere", () => {
    for (const dialect of ["anthropic-messages", "openai-responses", "gemini-generate"] as const)
      expect(rewritten(dialect, '{"stream":true}', { askUsage: true })).toBe('{"stream":true}')
  })

  it("and a cap can be put into the same body", () => {
    expect(rewritten("openai-chat", '{"stream":true}', { askUsage: true, outputCap: 5 })).toBe(
      '{"stream":true,"max_completion_tokens":5,"stream_options":{"include_usage":true}}',
    )
    expect(rewritten("gemini-generate", "{}", { note: "a", outputCap: 5 })).toBe(
      '{"generationConfig":{"maxOutputTokens":5},"systemInstruction":{"parts":[{"text":"a"}]}}',
    )
  })
})

describe("a note", () => {
  const NOTE = 'say "done"\n'
  const TEXT = JSON.stringify(NOTE)

  it.each([
    ["anthropic-messages", '{"system":"a"}', `{"system":"a\\n\\n${TEXT.slice(1)}}`],
    ["anthropic-messages", '{"system":[ ]}', `{"system":[ {"type":"text","text":${TEXT}}]}`],
    [
      "anthropic-messages",
      '{"system":[{"type":"text","text":"a"}]}',
      `{"system":[{"type":"text","text":"a"},{"type":"text","text":${TEXT}}]}`,
    ],
    ["anthropic-messages", "{}", `{"system":${TEXT}}`],
    ["anthropic-messages", '{"system":null}', `{"system":${TEXT}}`],
    [
      "openai-chat",
      '{"messages":[{"role":"user"}]}',
      `{"messages":[{"role":"user"},{"role":"system","content":${TEXT}}]}`,
    ],
    ["openai-chat", '{"messages":"odd"}', '{"messages":"odd"}'],
    ["openai-responses", '{"instructions":"a"}', `{"instructions":"a\\n\\n${TEXT.slice(1)}}`],
    ["openai-responses", "{}", `{"instructions":${TEXT}}`],
    ["openai-completions", '{"prompt":"a"}', '{"prompt":"a"}'],
    ["openai-embeddings", '{"input":"a"}', '{"input":"a"}'],
    [
      "gemini-generate",
      '{"system_instruction":{"parts":[{"text":"a"}]}}',
      `{"system_instruction":{"parts":[{"text":"a"},{"text":${TEXT}}]}}`,
    ],
    ["gemini-generate", "{}", `{"systemInstruction":{"parts":[{"text":${TEXT}}]}}`],
    ["gemini-generate", '{"systemInstruction":"odd"}', '{"systemInstruction":"odd"}'],
  ] as const)("is put into %s: %s", (dialect, body, expected) => {
    const result = rewritten(dialect, body, { note: NOTE })
    expect(result).toBe(expected)
    expect(() => JSON.parse(result)).not.toThrow()
  })
})
