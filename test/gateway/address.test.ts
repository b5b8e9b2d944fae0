/** Targets taken apart: whose, which upstream, which path; and nothing that reads in two ways. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { addressOf } from "../../src/gateway/address.ts"
import { routeOf } from "../../src/gateway/routes.ts"

const PROVIDERS = new Set(["anthropic", "openai", "google"])
const read = (target: string) => addressOf(target, (name) => PROVIDERS.has(name))

describe("a target", () => {
  for (const [target, address] of [
    [
      "/a/t0k-en_/anthropic/v1/messages?beta=true",
      ["t0k-en_", "anthropic", "v1", "/messages", "?beta=true"],
    ],
    ["/a/tok/messages", ["tok", null, null, "/messages", ""]],
    ["/a/tok/v1beta/models/m:countTokens", ["tok", null, "v1beta", "/models/m:countTokens", ""]],
    ["/v1/chat/completions", [null, null, "v1", "/chat/completions", ""]],
    ["/anthropic/v1/messages", [null, null, null, "/anthropic/v1/messages", ""]],
    ["/a/tok", ["tok", null, null, "/", ""]],
    ["/a/tok/openai/", ["tok", "openai", null, "/", ""]],
    ["/v1alpha/models", [null, null, "v1alpha", "/models", ""]],
    ["/?x=//evil", [null, null, null, "/", "?x=//evil"]],
  ] as const) {
    it(`${target} is taken apart`, () => {
      const [token, provider, version, path, query] = address
      expect(read(target)).toEqual({ token, provider, version, path, query })
    })
  }

  for (const target of [
    "http://evil.example/v1/messages",
    "//evil.example/v1/messages",
    "/v1//messages",
    "/v1/../messages",
    "/a/tok/..",
    "/a/tok/./messages",
    "/a/tok/%2e%2e/messages",
    "/v1%2fmessages",
    "/v1%5Cmessages",
    "/v1\\messages",
    "/v1/mess ages",
    "/v1/messages#x",
    "/v1/messages%00",
    "/v1/messages%zz",
    "/v1/m\u00e9ssages",
    "*",
    "",
    "evil.example:443",
  ]) {
    it(`${JSON.stringify(target)} is refused`, () => {
      expect(read(target)).toHaveProperty("refused")
    })
  }

  it("names no other path than the one it says, whatever it is made of", () => {
    const piece = fc.constantFrom(
      ...[
        "/",
        "//",
        "..",
        ".",
        "%2e",
        "%2f",
        "\\",
        "a",
        "v1",
        "tok",
        "openai",
        "?",
        "#",
        "@",
        ":",
        "messages",
      ],
    )
    const targets = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(""))
    fc.assert(
      fc.property(targets, (target) => {
        const address = read(target)
        if ("refused" in address) return true
        // A server that resolves the path finds it unchanged, on the host it was sent to.
        const resolved = new URL(`http://upstream.example/v1${address.path}`)
        return resolved.host === "upstream.example" && resolved.pathname === `/v1${address.path}`
      }),
      { numRuns: 3_000 },
    )
  })
})

const ASKED = {
  method: "POST",
  version: "v1",
  upgrades: false,
  hint: "openai-chat",
  freePaths: [],
} as const

describe("a path", () => {
  for (const [path, speaks] of [
    ["/messages", "anthropic-messages"],
    ["/chat/completions", "openai-chat"],
    ["/completions", "openai-completions"],
    ["/embeddings", "openai-embeddings"],
    ["/responses", "openai-responses"],
    ["/models/m:generateContent", "gemini-generate"],
    ["/models/m:streamGenerateContent", "gemini-generate"],
    ["/models/m:embedContent", "gemini-embed"],
    ["/models/m:batchEmbedContents", "gemini-embed"],
  ] as const) {
    it(`${path} is a call`, () => {
      expect(routeOf({ ...ASKED, path })).toMatchObject({ kind: "call", speaks })
    })
  }

  for (const path of [
    "/images/generations",
    "/audio/speech",
    "/responses/r1/cancel",
    "/messages/batches",
    "/batches",
    "/models/m:predict",
    "/models/m:batchGenerateContent",
    "/models/m:toString",
    "/constructor",
    "/",
    "/realtime",
  ]) {
    it(`${path} is not let by`, () => {
      expect(routeOf({ ...ASKED, path })).toMatchObject({ kind: "unmetered" })
    })
  }

  it("that is a call stays one, however free its neighbours are", () => {
    const freePaths = ["/messages", "/messages/*", "/*"]
    expect(routeOf({ ...ASKED, path: "/messages", freePaths })).toMatchObject({ kind: "call" })
    expect(routeOf({ ...ASKED, path: "/messages/batches", freePaths })).toMatchObject({
      kind: "free",
    })
  })

  it("that is a call is looked at only: refused, or answered with 426 where it would upgrade", () => {
    const look = { ...ASKED, method: "GET", path: "/responses" }
    expect(routeOf(look)).toMatchObject({ kind: "unmetered" })
    expect(routeOf({ ...look, upgrades: true })).toMatchObject({ kind: "upgrade" })
  })
})
