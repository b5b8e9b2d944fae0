import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { describe, expect, test } from "vitest"
import type { Environment } from "../../src/config/environment.ts"
import { describeProblem } from "../../src/config/problem.ts"
import { resolveUpstreams, UPSTREAM_VARIABLES } from "../../src/config/upstreams.ts"
import { decodeUpstreams } from "../../src/config/upstreams-file.ts"

const messagesOf = (value: unknown): readonly string[] =>
  decodeUpstreams({ name: "stint.yaml", value, under: ["upstreams"] }).problems.map(describeProblem)

const upstreamsOf = (value: unknown, env: Environment = {}) => {
  const file = decodeUpstreams({ name: "stint.yaml", value, under: ["upstreams"] })
  expect(file.problems.map(describeProblem)).toEqual([])
  return Result.getOrThrow(resolveUpstreams(file.upstreams, env))
}

const messageOf = (env: Environment): string => {
  const resolved = resolveUpstreams({}, env)
  return Result.isFailure(resolved) ? resolved.failure.message : "accepted"
}

describe("where calls go", () => {
  test("to the public addresses where nothing is said, with the agent's own key", () => {
    const { anthropic, openai, google } = upstreamsOf({})
    expect(anthropic.baseUrl.href).toBe("https://api.anthropic.com/")
    expect(openai.baseUrl.href).toBe("https://api.openai.com/v1")
    expect(google.baseUrl.href).toBe("https://generativelanguage.googleapis.com/")
    for (const upstream of [anthropic, openai, google])
      expect(upstream).toMatchObject({ key: null, provider: null, freePaths: [] })
  })

  test("the environment comes before the file, and an empty variable is none", () => {
    const file = { openai: { baseUrl: "https://openrouter.ai/api/v1/", provider: "openrouter" } }
    expect(upstreamsOf(file).openai.baseUrl.href).toBe("https://openrouter.ai/api/v1")
    const env = { OPENAI_BASE_URL: "http://127.0.0.1:4141/openai", ANTHROPIC_BASE_URL: "" }
    const { openai, anthropic } = upstreamsOf(file, env)
    expect(openai.baseUrl.href).toBe("http://127.0.0.1:4141/openai")
    expect(openai.provider).toBe("openrouter")
    expect(anthropic.baseUrl.href).toBe("https://api.anthropic.com/")
  })

  test.each([
    ["https://a.example/x//", "https://a.example/x"],
    ["HTTP://A.example:80", "http://a.example/"],
    [" https://[::1]:8443/v1 ", "https://[::1]:8443/v1"],
  ])("%j is %s", (given, href) => {
    expect(upstreamsOf({ google: { baseUrl: given } }).google.baseUrl.href).toBe(href)
  })

  test.each([
    ["ftp://a.example", "a URL that begins with ftp:"],
    ["file:///etc/passwd", "a URL that begins with file:"],
    ["api.openai.com", "api.openai.com"],
    ["https://hush@a.example", "a URL with a user name or password"],
    ["https://:hush@a.example", "a URL with a user name or password"],
    ["https://a.example/v1?key=hush", "a URL with a query"],
    ["https://a.example/v1?", "a URL with a query"],
    ["https://a.example/v1#hush", "a URL with a fragment"],
    ["https//me:hush@a.example", "no URL"],
  ])("%s is refused, and told without what may be secret", (url, found) => {
    const expected = `found ${found}, expected an http or https URL without user name, password, query and fragment, such as https://api.openai.com/v1`
    expect(messagesOf({ openai: { baseUrl: url } })).toEqual([
      `stint.yaml: upstreams.openai.baseUrl: ${expected}`,
    ])
    expect(messageOf({ OPENAI_BASE_URL: url })).toBe(`environment: OPENAI_BASE_URL: ${expected}`)
    expect(expected).not.toContain("hush")
  })

  test("every wrong variable is told at once", () => {
    const env = { ANTHROPIC_BASE_URL: "a", OPENAI_BASE_URL: "b", GOOGLE_GEMINI_BASE_URL: "c" }
    expect(messageOf(env).split("\n")).toHaveLength(3)
  })
})

describe("whose key", () => {
  const sourceIn = (env: Environment, value: unknown = {}) => upstreamsOf(value, env)

  test.each([
    ["anthropic", "ANTHROPIC_API_KEY", "api-key"],
    ["anthropic", "ANTHROPIC_AUTH_TOKEN", "bearer"],
    ["openai", "OPENAI_API_KEY", "bearer"],
    ["google", "GEMINI_API_KEY", "api-key"],
    ["google", "GOOGLE_API_KEY", "api-key"],
  ] as const)("of %s: %s, sent as %s, wrapped", (name, variable, sentAs) => {
    const { key } = sourceIn({ [variable]: "sk-hush" })[name]
    expect(key).toMatchObject({ from: "environment", sentAs, place: { key: variable } })
    expect(JSON.stringify(key)).not.toContain("hush")
    expect(key?.from === "environment" && Redacted.value(key.secret)).toBe("sk-hush")
  })

  test.each([
    ["anthropic", "ANTHROPIC_API_KEY_FILE", "api-key"],
    ["openai", "OPENAI_API_KEY_FILE", "bearer"],
    ["google", "GEMINI_API_KEY_FILE", "api-key"],
    ["google", "GOOGLE_API_KEY_FILE", "api-key"],
  ] as const)("of %s: %s names a file", (name, variable, sentAs) => {
    const { key } = sourceIn({ [variable]: "/run/key" })[name]
    expect(key).toMatchObject({ from: "file", path: "/run/key", sentAs, place: { key: variable } })
  })

  test("a key comes before a file that holds one, and the environment before the settings", () => {
    const value = { openai: { apiKeyFile: "settings-key" } }
    const file = { OPENAI_API_KEY_FILE: "key" }
    expect(sourceIn({ OPENAI_API_KEY: "k", ...file }, value).openai.key?.from).toBe("environment")
    expect(sourceIn(file, value).openai.key).toMatchObject({ from: "file", path: "key" })
    expect(sourceIn({ OPENAI_API_KEY: "" }, value).openai.key).toMatchObject({
      path: "settings-key",
      sentAs: "bearer",
      place: { source: "stint.yaml", key: "upstreams.openai.apiKeyFile" },
    })
  })

  test("a file's address with a key of its own is never sent another's", () => {
    const groq = { baseUrl: "https://api.groq.com/openai/v1", apiKeyCommand: ["pass", "groq"] }
    const env = { OPENAI_API_KEY: "for-openai" }
    expect(sourceIn(env, { openai: groq }).openai.key).toMatchObject({
      from: "command",
      command: ["pass", "groq"],
    })
    const elsewhere = { ...env, OPENAI_BASE_URL: "http://127.0.0.1:1/v1" }
    expect(sourceIn(elsewhere, { openai: groq }).openai.key?.from).toBe("environment")
  })

  test("every variable of a key or an address can be taken from an agent's environment", () => {
    expect(UPSTREAM_VARIABLES).toHaveLength(12)
    expect(new Set(UPSTREAM_VARIABLES).size).toBe(12)
  })
})

describe("a mistake in the file is told with its place", () => {
  test("a key in the file is refused, never shown, and what to do is said", () => {
    const [message, ...more] = messagesOf({ anthropic: { apiKey: "sk-hush" } })
    expect(more).toEqual([])
    expect(message).toMatch(
      /^stint\.yaml: upstreams\.anthropic\.apiKey: found a key, expected no key in this file, which is shared and committed: .*apiKeyFile.*apiKeyCommand.*variable$/,
    )
    expect(message).not.toContain("hush")
  })

  test.each<[unknown, string]>([
    [[], "upstreams: found [], expected a map of anthropic, openai, google"],
    [{ openai: 5 }, "upstreams.openai: found 5, expected a map of baseUrl, apiKeyFile"],
    [{ open: {} }, "upstreams.open: found an unknown key, expected one of anthropic, openai"],
    [{ openai: { baseUrl: 5 } }, "upstreams.openai.baseUrl: found 5, expected an http or https"],
    [
      { openai: { baseURL: "" } },
      "upstreams.openai.baseURL: found an unknown key, expected one of",
    ],
    [{ openai: { apiKeyFile: "" } }, 'upstreams.openai.apiKeyFile: found "", expected the path'],
    [
      { openai: { apiKeyCommand: [] } },
      "upstreams.openai.apiKeyCommand: found [], expected a list",
    ],
    [{ openai: { provider: 1 } }, "upstreams.openai.provider: found 1, expected the name of a"],
    [{ openai: { freePaths: "/x" } }, 'upstreams.openai.freePaths: found "/x", expected a list'],
    [
      { openai: { apiKeyFile: "a", apiKeyCommand: "b" } },
      "upstreams.openai: found apiKeyFile and apiKeyCommand, expected only one of them",
    ],
  ])("%j", (value, message) => {
    expect(messagesOf(value)).toEqual([expect.stringContaining(`stint.yaml: ${message}`)])
  })

  test("a free path is plain: nothing that a server could read as another", () => {
    const plain = ["/v1/models", "/v1/models/*", "/v1beta/models/x-1.5:countTokens"]
    expect(upstreamsOf({ google: { freePaths: plain } }).google.freePaths).toEqual(plain)
    const odd = ["v1", "/", "*", "/*", "/v1/../x", "/v1/.", "/a//b", "/a?b", "/a%2fb", "/a*", 5, ""]
    expect(messagesOf({ google: { freePaths: odd } })).toHaveLength(odd.length)
  })
})
