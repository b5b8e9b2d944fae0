/** Refusals have the shape of the vendors' own errors, as these were recorded. */
import { describe, expect, it } from "vitest"
import { REQUEST_SIDES } from "../../../src/gateway/dialects/all.ts"
import type { Json, RefusalWords } from "../../../src/gateway/dialects/dialect.ts"
import { DIALECTS } from "./requests.ts"

const WORDS: RefusalWords = {
  status: 402,
  code: "budget_exceeded",
  message: 'Budget of agent "worker-1" is used up: 50,000 of 50,000 tokens.',
  details: { used: 50_000, limit: 50_000, retryAt: null, asked: "1,024" },
}

/** Recorded, but for their words. */
const RECORDED: Readonly<Record<string, Json>> = {
  anthropic: {
    type: "error",
    error: { type: "not_found_error", message: "model: m" },
    request_id: "req_1",
  },
  openai: {
    error: { message: "m", type: "invalid_request_error", param: "model", code: "model_not_found" },
  },
  gemini: { error: { code: 404, message: "m", status: "NOT_FOUND" } },
}

const errorOf = (body: Json | undefined): Json => {
  const error = body?.error
  if (typeof error !== "object" || error === null) throw new Error("no error")
  return { ...error }
}

describe("a refusal", () => {
  it.each(DIALECTS)("in %s has all that a recorded error has, and its words", (dialect) => {
    const vendor = dialect.slice(0, dialect.indexOf("-"))
    const body = REQUEST_SIDES[dialect].refusal(WORDS)
    const keys = Object.keys(RECORDED[vendor] ?? {}).filter((key) => key !== "request_id")
    expect(Object.keys(body)).toEqual(keys)
    const error = errorOf(body)
    expect(Object.keys(error)).toEqual(
      expect.arrayContaining(Object.keys(errorOf(RECORDED[vendor]))),
    )
    expect(error.message).toBe(WORDS.message)
  })

  it("is a billing error to Anthropic's SDK, with the code where that reads it", () => {
    expect(REQUEST_SIDES["anthropic-messages"].refusal(WORDS)).toEqual({
      type: "error",
      error: {
        type: "billing_error",
        message: WORDS.message,
        details: { ...WORDS.details, error_code: "budget_exceeded" },
      },
    })
  })

  it("has its code and its numbers in OpenAI's error", () => {
    expect(REQUEST_SIDES["openai-responses"].refusal({ ...WORDS, status: 400 })).toEqual({
      error: {
        message: WORDS.message,
        type: "invalid_request_error",
        param: null,
        code: "budget_exceeded",
        details: WORDS.details,
      },
    })
  })

  it("has an ErrorInfo of strings in Google's error", () => {
    expect(REQUEST_SIDES["gemini-generate"].refusal(WORDS)).toEqual({
      error: {
        code: 402,
        message: WORDS.message,
        status: "FAILED_PRECONDITION",
        details: [
          {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            reason: "BUDGET_EXCEEDED",
            domain: "stint",
            metadata: { used: "50000", limit: "50000", retryAt: "null", asked: "1,024" },
          },
        ],
      },
    })
  })

  it("has a type for every status, known to the vendor or not", () => {
    for (const status of [400, 401, 402, 403, 404, 409, 413, 418, 429, 500, 502, 503, 504, 529])
      for (const dialect of DIALECTS) {
        const error = errorOf(REQUEST_SIDES[dialect].refusal({ ...WORDS, status }))
        expect(error.type ?? error.status).toMatch(/^[a-z_]+$|^[A-Z_]+$/)
      }
  })
})
