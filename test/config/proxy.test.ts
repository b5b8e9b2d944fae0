import * as Result from "effect/Result"
import { describe, expect, test } from "vitest"
import type { Environment } from "../../src/config/environment.ts"
import { proxyTo } from "../../src/config/proxy.ts"
import { resolveUpstreams } from "../../src/config/upstreams.ts"

const PROXY = "http://proxy.corp:3128"

const wayTo = (url: string, env: Environment): string => {
  const read = proxyTo(new URL(url), env)
  if ("problem" in read) return `problem: found ${read.problem.found}`
  return read.proxy === null ? "direct" : `${read.proxy.url.href} by ${read.proxy.place.key}`
}

describe("the proxy of https", () => {
  test.each<[string, Environment, string]>([
    ["https://a.example", {}, "direct"],
    ["https://a.example", { HTTPS_PROXY: " " }, "direct"],
    ["https://a.example", { HTTPS_PROXY: PROXY }, `${PROXY}/ by HTTPS_PROXY`],
    [
      "https://a.example",
      { https_proxy: PROXY, HTTPS_PROXY: "http://b" },
      `${PROXY}/ by https_proxy`,
    ],
    ["https://a.example", { HTTPS_PROXY: "proxy.corp:3128" }, `${PROXY}/ by HTTPS_PROXY`],
    ["https://a.example", { HTTPS_PROXY: "https://p.corp" }, "https://p.corp/ by HTTPS_PROXY"],
    ["https://a.example", { HTTP_PROXY: PROXY }, "direct"],
    ["http://a.example", { HTTPS_PROXY: PROXY, HTTP_PROXY: PROXY }, "direct"],
    ["https://localhost:8443", { HTTPS_PROXY: PROXY }, "direct"],
    ["https://127.0.0.2", { HTTPS_PROXY: PROXY }, "direct"],
    ["https://[::1]:8443", { HTTPS_PROXY: PROXY }, "direct"],
    ["https://a.example", { HTTPS_PROXY: "socks5://p" }, 'problem: found "socks5://…"'],
    ["https://a.example", { HTTPS_PROXY: "ftp://me:hush@p" }, "problem: found none"],
    ["https://a.example", { HTTPS_PROXY: "http://" }, "problem: found none"],
  ])("to %s with %j is %s", (url, env, way) => {
    expect(wayTo(url, env)).toBe(way)
  })

  test.each<[string, string, "direct" | "proxied"]>([
    ["https://a.example", "*", "direct"],
    ["https://a.example", "b.example, *", "direct"],
    ["https://a.example", "*:8443", "proxied"],
    ["https://a.example", "a.example", "direct"],
    ["https://A.example.", "a.EXAMPLE", "direct"],
    ["https://a.example", "a.example.", "direct"],
    ["https://api.a.example", "a.example", "direct"],
    ["https://api.a.example", ".a.example", "direct"],
    ["https://api.a.example", "*.a.example", "direct"],
    ["https://bada.example", "a.example", "proxied"],
    ["https://a.example.com", "a.example", "proxied"],
    ["https://a.example", "a.example:443", "direct"],
    ["https://a.example", "a.example:8443", "proxied"],
    ["https://a.example:8443", "a.example:8443", "direct"],
    ["https://10.0.0.7", "10.0.0.7", "direct"],
    ["https://[fe80::7]:8443", "[fe80::7]:8443", "direct"],
    ["https://[fe80::7]", "fe80::7", "direct"],
    ["https://[fe80::7]", "[fe80::8]", "proxied"],
    ["https://a.example", "", "proxied"],
    ["https://a.example", " , ,", "proxied"],
  ])("to %s past NO_PROXY %j is %s", (url, except, way) => {
    const proxied = `${PROXY}/ by HTTPS_PROXY`
    const env = { HTTPS_PROXY: PROXY, NO_PROXY: except }
    expect(wayTo(url, env)).toBe(way === "proxied" ? proxied : way)
  })

  test("its exceptions are read in lower case first", () => {
    const env = { HTTPS_PROXY: PROXY, no_proxy: "b.example", NO_PROXY: "a.example" }
    expect(wayTo("https://a.example", env)).toBe(`${PROXY}/ by HTTPS_PROXY`)
  })
})

test("a proxy that is none is told once, whatever goes through it, and without what may be a password", () => {
  const resolved = resolveUpstreams({}, { HTTPS_PROXY: "ftp://me:hush@proxy" })
  expect(Result.isFailure(resolved) && resolved.failure.message).toBe(
    "environment: HTTPS_PROXY: found none, expected an http or https URL such as http://proxy.example.com:3128",
  )
})
