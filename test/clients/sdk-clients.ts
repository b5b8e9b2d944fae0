/** The SDKs that programs call models with, as their own guides use them: words, streams, a tool. */
import { createAnthropic } from "@ai-sdk/anthropic"
import { createOpenAI } from "@ai-sdk/openai"
import Anthropic from "@anthropic-ai/sdk"
import { ApiError, GoogleGenAI, type Part } from "@google/genai"
import {
  APICallError,
  generateText,
  isStepCount,
  jsonSchema,
  type LanguageModel,
  RetryError,
  streamText,
  tool,
} from "ai"
import OpenAI from "openai"
import type { AdmittedAgent } from "../../src/gateway/gateway.ts"

export interface SdkClient {
  readonly plain: () => Promise<string>
  /** Its words as they come; throws what the SDK throws. */
  readonly stream: (signal?: AbortSignal) => AsyncGenerator<string>
  /** Offers one tool, answers its call by `answer`, and gives the last words. */
  readonly useTool: (answer: (city: unknown) => string) => Promise<string>
}

export interface Sdk {
  readonly name: string
  /** `retries` as the SDK itself would have it, where nothing is said. */
  readonly open: (admitted: AdmittedAgent, retries?: number) => SdkClient
  /** Whether what it has thrown is of its own type for answers of a provider. */
  readonly isOwnError: (error: unknown) => boolean
  readonly statusOf: (error: unknown) => number | undefined
  /** Tries again by itself where a provider has asked for it. */
  readonly retries: boolean
  /** Of a budget that is used up. */
  readonly refusalStatus: 400 | 402
}

const PROMPT = "What is the weather in Bern?"
const CITY = { type: "object", properties: { city: { type: "string" } }, required: ["city"] }
const TOOL = { name: "weather", description: "Tells the weather in a city." }
const CLAUDE = "claude-sonnet-4-5"
const GPT = "gpt-5.1"
const GEMINI = "gemini-2.5-flash"
const MAX_TOKENS = 1_000

const cityIn = (input: unknown): unknown =>
  typeof input === "object" && input !== null && "city" in input ? input.city : undefined

const retrying = (retries: number | undefined) =>
  retries === undefined ? {} : { maxRetries: retries }

const anthropic: Sdk["open"] = ({ baseUrl, key }, retries) => {
  const sdk = new Anthropic({
    ...{ baseURL: baseUrl("anthropic"), apiKey: key },
    ...retrying(retries),
  })
  const asked = { model: CLAUDE, max_tokens: MAX_TOKENS }
  const user = { role: "user", content: PROMPT } as const
  const textIn = ({ content }: Anthropic.Message): string =>
    content.map((block) => (block.type === "text" ? block.text : "")).join("")
  return {
    plain: async () => textIn(await sdk.messages.create({ ...asked, messages: [user] })),
    stream: async function* (signal) {
      const stream = sdk.messages.stream({ ...asked, messages: [user] }, { signal: signal ?? null })
      for await (const event of stream)
        if (event.type === "content_block_delta" && event.delta.type === "text_delta")
          yield event.delta.text
    },
    useTool: async (answer) => {
      const input_schema = { ...CITY, type: "object" } as const
      const tools = [{ ...TOOL, input_schema }]
      const first = await sdk.messages.stream({ ...asked, tools, messages: [user] }).finalMessage()
      const results = first.content.flatMap((block) =>
        block.type === "tool_use"
          ? [
              {
                ...{ type: "tool_result" as const, tool_use_id: block.id },
                content: answer(cityIn(block.input)),
              },
            ]
          : [],
      )
      const messages = [
        user,
        { role: "assistant" as const, content: first.content },
        { role: "user" as const, content: results },
      ]
      return textIn(await sdk.messages.create({ ...asked, tools, messages }))
    },
  }
}

const openAi = ({ baseUrl, key }: AdmittedAgent, retries: number | undefined): OpenAI =>
  new OpenAI({ baseURL: `${baseUrl("openai")}/v1`, apiKey: key, ...retrying(retries) })

const chat: Sdk["open"] = (admitted, retries) => {
  const sdk = openAi(admitted, retries)
  const user = { role: "user", content: PROMPT } as const
  return {
    plain: async () => {
      const said = await sdk.chat.completions.create({ model: GPT, messages: [user] })
      return said.choices[0]?.message.content ?? ""
    },
    stream: async function* (signal) {
      const asked = { model: GPT, messages: [user], stream: true as const }
      const stream = await sdk.chat.completions.create(asked, { signal: signal ?? null })
      for await (const chunk of stream) yield chunk.choices[0]?.delta.content ?? ""
    },
    useTool: async (answer) => {
      const named = { ...TOOL, parameters: CITY }
      const tools = [{ type: "function" as const, function: named }]
      const first = await sdk.chat.completions
        .stream({ model: GPT, tools, messages: [user] })
        .finalMessage()
      const results = (first.tool_calls ?? []).flatMap((call) =>
        call.type === "function"
          ? [
              {
                ...{ role: "tool" as const, tool_call_id: call.id },
                content: answer(cityIn(JSON.parse(call.function.arguments))),
              },
            ]
          : [],
      )
      const messages = [user, first, ...results]
      const last = await sdk.chat.completions.create({ model: GPT, tools, messages })
      return last.choices[0]?.message.content ?? ""
    },
  }
}

const responses: Sdk["open"] = (admitted, retries) => {
  const sdk = openAi(admitted, retries)
  return {
    plain: async () => (await sdk.responses.create({ model: GPT, input: PROMPT })).output_text,
    stream: async function* (signal) {
      const stream = sdk.responses.stream({ model: GPT, input: PROMPT }, { signal: signal ?? null })
      for await (const event of stream)
        if (event.type === "response.output_text.delta") yield event.delta
    },
    useTool: async (answer) => {
      const tools = [{ type: "function" as const, strict: false, ...TOOL, parameters: CITY }]
      const first = await sdk.responses.stream({ model: GPT, tools, input: PROMPT }).finalResponse()
      const results = first.output.flatMap((item) =>
        item.type === "function_call"
          ? [
              {
                ...{ type: "function_call_output" as const, call_id: item.call_id },
                output: answer(cityIn(JSON.parse(item.arguments))),
              },
            ]
          : [],
      )
      const calls = first.output.filter((item) => item.type === "function_call")
      const input = [{ role: "user" as const, content: PROMPT }, ...calls, ...results]
      return (await sdk.responses.create({ model: GPT, tools, input })).output_text
    },
  }
}

const google: Sdk["open"] = ({ baseUrl, key }) => {
  const sdk = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: baseUrl("google") } })
  const asked = { model: GEMINI, contents: PROMPT }
  return {
    plain: async () => (await sdk.models.generateContent(asked)).text ?? "",
    stream: async function* (signal) {
      const config = signal === undefined ? {} : { abortSignal: signal }
      for await (const chunk of await sdk.models.generateContentStream({ ...asked, config }))
        yield chunk.text ?? ""
    },
    useTool: async (answer) => {
      const functionDeclarations = [{ ...TOOL, parametersJsonSchema: CITY }]
      const config = { tools: [{ functionDeclarations }] }
      const first = await sdk.models.generateContent({ ...asked, config })
      const results: Part[] = (first.functionCalls ?? []).map(({ name, args }) => ({
        functionResponse: { name: name ?? "", response: { output: answer(cityIn(args)) } },
      }))
      const contents = [
        { role: "user", parts: [{ text: PROMPT }] },
        { role: "model", parts: first.candidates?.[0]?.content?.parts ?? [] },
        { role: "user", parts: results },
      ]
      return (await sdk.models.generateContent({ model: GEMINI, contents, config })).text ?? ""
    },
  }
}

/** The AI SDK asks in one way whatever provider is behind it. */
const aiSdk =
  (modelOf: (admitted: AdmittedAgent) => LanguageModel): Sdk["open"] =>
  (admitted, retries) => {
    const asked = { model: modelOf(admitted), prompt: PROMPT, ...retrying(retries) }
    return {
      plain: async () => (await generateText(asked)).text,
      stream: async function* (signal) {
        const abort = signal === undefined ? {} : { abortSignal: signal }
        const { stream } = streamText({ ...asked, ...abort, onError: () => {} })
        for await (const part of stream) {
          if (part.type === "error") throw part.error
          if (part.type === "abort") signal?.throwIfAborted()
          if (part.type === "text-delta") yield part.text
        }
      },
      useTool: async (answer) => {
        const weather = tool({
          description: TOOL.description,
          inputSchema: jsonSchema<{ readonly city: string }>({ ...CITY, type: "object" }),
          execute: async ({ city }) => answer(city),
        })
        const said = await generateText({ ...asked, tools: { weather }, stopWhen: isStepCount(3) })
        return said.text
      },
    }
  }

const aiError = (error: unknown): unknown =>
  RetryError.isInstance(error) ? error.lastError : error

const AI_ERRORS = {
  isOwnError: (error: unknown) => APICallError.isInstance(aiError(error)),
  statusOf: (error: unknown) => {
    const own = aiError(error)
    return APICallError.isInstance(own) ? own.statusCode : undefined
  },
  retries: true,
}

const OPENAI_ERRORS = {
  isOwnError: (error: unknown) => error instanceof OpenAI.APIError,
  statusOf: (error: unknown) => (error instanceof OpenAI.APIError ? error.status : undefined),
  retries: true,
}

export const SDKS: readonly Sdk[] = [
  {
    name: "@anthropic-ai/sdk",
    open: anthropic,
    isOwnError: (error) => error instanceof Anthropic.APIError,
    statusOf: (error) => (error instanceof Anthropic.APIError ? error.status : undefined),
    retries: true,
    refusalStatus: 402,
  },
  { name: "openai, chat completions", open: chat, ...OPENAI_ERRORS, refusalStatus: 402 },
  { name: "openai, responses", open: responses, ...OPENAI_ERRORS, refusalStatus: 400 },
  {
    name: "ai with @ai-sdk/anthropic",
    open: aiSdk(({ baseUrl, key }) =>
      createAnthropic({ baseURL: `${baseUrl("anthropic")}/v1`, apiKey: key })(CLAUDE),
    ),
    ...AI_ERRORS,
    refusalStatus: 402,
  },
  {
    name: "ai with @ai-sdk/openai, chat completions",
    open: aiSdk(({ baseUrl, key }) =>
      createOpenAI({ baseURL: `${baseUrl("openai")}/v1`, apiKey: key }).chat(GPT),
    ),
    ...AI_ERRORS,
    refusalStatus: 402,
  },
  {
    name: "ai with @ai-sdk/openai, responses",
    open: aiSdk(({ baseUrl, key }) =>
      createOpenAI({ baseURL: `${baseUrl("openai")}/v1`, apiKey: key })(GPT),
    ),
    ...AI_ERRORS,
    refusalStatus: 400,
  },
  {
    name: "@google/genai",
    open: google,
    isOwnError: (error) => error instanceof ApiError,
    statusOf: (error) => (error instanceof ApiError ? error.status : undefined),
    retries: false,
    refusalStatus: 402,
  },
]
