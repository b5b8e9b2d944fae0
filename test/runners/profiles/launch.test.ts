/** What each profile makes of a situation: environment, arguments, files, signal, claim. */
import { describe, expect, test } from "vitest"
import { AGENT_PROGRAMS } from "../../../src/config/plan.ts"
import { CREDENTIAL_VARIABLES } from "../../../src/runners/profiles/credential-variables.ts"
import { commandLineOf, environmentOf, launchOf } from "../../../src/runners/profiles/launch.ts"
import type { Launch, Situation } from "../../../src/runners/profiles/profile.ts"
import { diskOf, FOLDER, GATEWAY, HOME, KEYS, NO_KEYS, situation } from "./situations.ts"

const launched = (command: Situation["command"], changes: Partial<Situation> = {}): Launch => {
  const launch = launchOf("auto", situation(command, changes))
  if (launch === null) throw new Error("no launch")
  return launch
}

const textOf = ({ files }: Launch, path: string): unknown => {
  const file = files.find((each) => each.path === path)
  return file !== undefined && "text" in file ? JSON.parse(file.text) : undefined
}

const COMMANDS: readonly Situation["command"][] = [
  ["claude", "-p", "hi"],
  ["codex", "exec", "hi"],
  ["gemini", "-p", "hi"],
  ["opencode", "run", "hi"],
  ["pi", "-p", "hi"],
  ["./agent.sh"],
]

const BY_NAME = COMMANDS.map((command) => [command[0], command] as const)

describe("every agent", () => {
  test.each(BY_NAME)("%s asks no proxy for the gateway, where one is set", (_, command) => {
    const env = { HTTP_PROXY: "http://proxy.corp:3128", NO_PROXY: "intranet.corp" }
    const past = "intranet.corp,127.0.0.1,localhost"
    expect(launched(command, { env }).env).toMatchObject({ NO_PROXY: past, no_proxy: past })
    expect(launched(command, { env: {} }).env).not.toHaveProperty("NO_PROXY")
    const lower = { https_proxy: "http://proxy.corp:3128", no_proxy: "a", NO_PROXY: "b" }
    expect(launched(command, { env: lower }).env.NO_PROXY).toBe("a,127.0.0.1,localhost")
    // Among others it is a name like any, to curl and to Python's programs.
    const none = { https_proxy: "http://proxy.corp:3128", no_proxy: " * " }
    expect(launched(command, { env: none }).env).toMatchObject({ NO_PROXY: "*", no_proxy: "*" })
  })

  const rich = Object.fromEntries(CREDENTIAL_VARIABLES.map((name) => [name, `real-${name}`]))

  test.each(BY_NAME)("%s sees no credential but its own key, wherever one was", (_, command) => {
    const here = situation(command, { env: { ...rich, PATH: "/bin", AWS_REGION: "x" } })
    const launch = launchOf("auto", here)
    const env = launch === null ? {} : environmentOf(launch, here.env)
    expect(Object.values(env).filter((value) => value?.startsWith("real-"))).toEqual([])
    expect(env).toMatchObject({ PATH: "/bin", AWS_REGION: "x", ANTHROPIC_API_KEY: "agent-a" })
    expect(env.ANTHROPIC_BASE_URL).toBe(GATEWAY)
    expect(env.OPENAI_BASE_URL).toBe(`${GATEWAY}/v1`)
    expect(env.GOOGLE_GEMINI_BASE_URL).toBe(GATEWAY)
  })

  test.each(BY_NAME)("%s has no key on its command line", (_, command) => {
    const line = commandLineOf(launched(command), command).join(" ")
    expect(Object.values(KEYS).filter((key) => line.includes(key))).toEqual([])
  })

  test("what is set is never taken away as well", () => {
    for (const command of COMMANDS)
      for (const keys of [KEYS, NO_KEYS]) {
        const { env, unset } = launched(command, { keys })
        expect(unset.filter((name) => name in env)).toEqual([])
      }
  })

  test("without keys of Stint's none is made up", () => {
    for (const command of COMMANDS) {
      const { env, claim } = launched(command, { keys: NO_KEYS })
      expect(Object.keys(env).filter((name) => /API_KEY$/.test(name))).toEqual([])
      expect(claim.enforcement).not.toBe("reserved")
      expect(claim.because).not.toEqual([])
    }
  })

  test("every name has a launch, but none", () => {
    const names = AGENT_PROGRAMS.filter((name) => launchOf(name, situation(["x"])) === null)
    expect(names).toEqual(["none"])
  })
})

describe("claude", () => {
  const command = ["claude", "-p", "hi"] as const

  test("with a key it disregards what settings and its sign-in say, and is stopped by SIGINT", () => {
    const launch = launched(command)
    expect(launch.env.CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST).toBe("1")
    expect(launch.unset).toContain("CLAUDE_CODE_OAUTH_TOKEN")
    expect([launch.args, launch.files, launch.stopSignal]).toEqual([[], [], "SIGINT"])
    expect(launch.claim).toEqual({ enforcement: "reserved", because: [] })
  })

  test("with its own sign-in the address stands above the user's settings, and it claims less", () => {
    const launch = launched(command, { keys: NO_KEYS })
    expect(launch.env).not.toHaveProperty("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST")
    expect(launch.unset).not.toContain("CLAUDE_CODE_OAUTH_TOKEN")
    expect(launch.unset).toContain("ANTHROPIC_API_KEY")
    expect(commandLineOf(launch, command)).toEqual([
      ...["claude", "--settings", `${FOLDER}/claude-settings.json`, "-p", "hi"],
    ])
    expect(textOf(launch, "claude-settings.json")).toMatchObject({
      env: { ANTHROPIC_BASE_URL: GATEWAY, CLAUDE_CODE_USE_BEDROCK: "0" },
    })
    expect(launch.claim.enforcement).toBe("metered")
  })

  test.each([
    ["the user gives settings", ["claude", "--settings=x.json", "-p", "hi"]],
    ["it stands in a shell's text", ["sh", "-c", "claude -p hi"]],
  ] as const)("no settings are added where %s, and that is told", (_, words) => {
    const launch = launched([...words], { keys: NO_KEYS })
    expect([launch.args, launch.files]).toEqual([[], []])
    expect(launch.claim.because).toHaveLength(2)
  })

  test("what the machine's administrator has set is told", () => {
    const path = "/etc/claude-code/managed-settings.json"
    const env = { CLAUDE_CODE_USE_BEDROCK: "1", EDITOR: "vi" }
    const { claim } = launched(command, { disk: diskOf({ [path]: JSON.stringify({ env }) }) })
    expect(claim).toEqual({
      enforcement: "metered",
      because: [`${path} sets CLAUDE_CODE_USE_BEDROCK`],
    })
  })
})

describe("codex", () => {
  const command = ["codex", "exec", "hi"] as const

  test("the provider goes on its command line, before everything of the user's", () => {
    const launch = launched(command)
    const line = commandLineOf(launch, command)
    expect(line.slice(0, 3)).toEqual(["codex", "-c", 'model_provider="stint"'])
    expect(line.slice(-2)).toEqual(["exec", "hi"])
    const provider = launch.args.find((word) => word.startsWith("model_providers.stint="))
    expect(provider).toContain(`base_url="${GATEWAY}/v1"`)
    expect(provider).toContain('env_key="OPENAI_API_KEY"')
    expect(provider).toContain("request_max_retries=0,stream_max_retries=0")
    expect(launch.args).toContain('cli_auth_credentials_store="ephemeral"')
    expect(launch.claim.enforcement).toBe("reserved")
  })

  test("with its own sign-in that is used, and it claims less", () => {
    const { args, claim } = launched(command, { keys: NO_KEYS })
    expect(args.join(" ")).toContain("requires_openai_auth=true")
    expect(args.join(" ")).not.toContain("env_key")
    expect(args.join(" ")).not.toContain("ephemeral")
    expect(claim.enforcement).toBe("metered")
  })

  test.each([
    ["-c", "model_provider=mine"],
    ["--config", "model_providers.mine.base_url=x"],
    ["-cmodel_provider=mine"],
    ["--config=openai_base_url=x"],
    ["--oss"],
    ["--local-provider=ollama"],
  ])("a provider the user has chosen (%s %s) stays, and nothing is claimed", (...words) => {
    const { args, claim } = launched(["codex", ...words.filter((word) => word), "exec", "hi"])
    expect(args).toEqual([])
    expect(claim.enforcement).toBeNull()
    expect(claim.because.join()).not.toContain("mine")
  })

  test.each([
    ["codex", "-c", "model_reasoning_effort=high", "exec", "hi"],
    ["codex", "exec", "--", "--oss"],
  ] as const)("%s %s %s … chooses none", (...words) => {
    expect(launched([...words]).claim.enforcement).toBe("reserved")
  })

  test("in a shell's text nothing can be added, so nothing is claimed", () => {
    expect(launched(["sh", "-c", "codex exec hi"]).claim.enforcement).toBeNull()
  })
})

describe("gemini", () => {
  const command = ["gemini", "-p", "hi"] as const
  const SYSTEM = "/etc/gemini-cli/settings.json"

  test("its sign-in is settled above the user's settings, and nothing of the system's is lost", () => {
    const system = JSON.stringify({
      security: { auth: { useExternal: true } },
      tools: { core: [] },
    })
    const launch = launched(command, { disk: diskOf({ [SYSTEM]: system }) })
    expect(launch.env.GEMINI_CLI_SYSTEM_SETTINGS_PATH).toBe(`${FOLDER}/gemini-settings.json`)
    expect(textOf(launch, "gemini-settings.json")).toEqual({
      security: { auth: { useExternal: true, selectedType: "gemini-api-key" } },
      tools: { core: [] },
      privacy: { usageStatisticsEnabled: false },
    })
    expect(launch.env).toMatchObject({ GEMINI_CLI_NO_RELAUNCH: "true", GEMINI_API_KEY: "agent-g" })
    expect(launch.env).not.toHaveProperty("GOOGLE_API_KEY")
    expect(launch.claim.enforcement).toBe("reserved")
  })

  test.each<[string, Partial<Situation>]>([
    ["its own sign-in, which speaks another API", { keys: NO_KEYS }],
    ["system settings that are no plain JSON", { disk: diskOf({ [SYSTEM]: "// no\n{}" }) }],
    ["a folder others can write above", { disk: diskOf({}, ["/home"]) }],
  ])("%s: nothing is claimed, and it still does not launch itself anew", (_, changes) => {
    const launch = launched(command, changes)
    expect(launch.claim.enforcement).toBeNull()
    expect(launch.files).toEqual([])
    expect(launch.env).toMatchObject({ GEMINI_CLI_NO_RELAUNCH: "true" })
    expect(launch.env).not.toHaveProperty("GEMINI_CLI_SYSTEM_SETTINGS_PATH")
  })
})

describe("opencode", () => {
  const command = ["opencode", "run", "hi"] as const
  const configOf = ({ env }: Launch): unknown => JSON.parse(env.OPENCODE_CONFIG_CONTENT ?? "")

  test("it knows three vendors, at the gateway, and no sign-in", () => {
    const launch = launched(command)
    expect(configOf(launch)).toMatchObject({
      enabled_providers: ["anthropic", "openai", "google"],
      provider: {
        anthropic: { options: { baseURL: `${GATEWAY}/v1`, apiKey: "agent-a" } },
        openai: { options: { baseURL: `${GATEWAY}/v1`, apiKey: "agent-o" } },
        google: { options: { baseURL: `${GATEWAY}/v1beta`, apiKey: "agent-g" } },
      },
    })
    expect(launch.env.OPENCODE_AUTH_CONTENT).toBe("{}")
    expect(launch.claim.enforcement).toBe("reserved")
  })

  test("configuration the user gives in the variable is kept", () => {
    const own = { theme: "x", provider: { anthropic: { options: { timeout: 5 } } } }
    const env = { OPENCODE_CONFIG_CONTENT: JSON.stringify(own) }
    expect(configOf(launched(command, { env }))).toMatchObject({
      theme: "x",
      provider: { anthropic: { options: { timeout: 5, apiKey: "agent-a" } } },
    })
  })

  test("with its own sign-ins they are not hidden, and it claims less", () => {
    const launch = launched(command, { keys: NO_KEYS })
    expect(launch.env).not.toHaveProperty("OPENCODE_AUTH_CONTENT")
    expect(JSON.stringify(configOf(launch))).not.toContain("apiKey")
    expect(launch.claim.enforcement).toBe("metered")
  })

  test("what the machine's administrator has set is told", () => {
    const { claim } = launched(command, { disk: diskOf({ "/etc/opencode/opencode.json": "{}" }) })
    expect(claim.enforcement).toBe("metered")
  })
})

describe("pi", () => {
  const command = ["pi", "-p", "hi"] as const
  const OWN = `${HOME}/.pi/agent`

  test("its folder is the user's, entry by entry, without keys and with the gateway's addresses", () => {
    const disk = diskOf({
      [`${OWN}/settings.json`]: "{}",
      [`${OWN}/sessions/a.jsonl`]: "",
      [`${OWN}/auth.json`]: "{}",
    })
    const launch = launched(command, { disk })
    expect(launch.env.PI_CODING_AGENT_DIR).toBe(`${FOLDER}/pi`)
    expect(textOf(launch, "pi/models.json")).toEqual({
      providers: {
        anthropic: { baseUrl: GATEWAY },
        openai: { baseUrl: `${GATEWAY}/v1` },
        google: { baseUrl: `${GATEWAY}/v1beta` },
      },
    })
    expect(launch.files.slice(1)).toEqual([
      { path: "pi/settings.json", target: `${OWN}/settings.json` },
      { path: "pi/sessions", target: `${OWN}/sessions` },
    ])
    expect(launch.claim.enforcement).toBe("reserved")
  })

  test("with its own sign-ins they are there, and it claims less", () => {
    const disk = diskOf({ [`${OWN}/auth.json`]: "{}" })
    const launch = launched(command, { disk, keys: NO_KEYS })
    expect(launch.files.map(({ path }) => path)).toEqual(["pi/models.json", "pi/auth.json"])
    expect(launch.claim.enforcement).toBe("metered")
  })

  test("models of the user's own stay, their keys for these vendors give way, and it is told", () => {
    const providers = { anthropic: { apiKey: "real", models: [] }, ollama: { baseUrl: "x" } }
    const disk = diskOf({ [`${OWN}/models.json`]: JSON.stringify({ providers }) })
    const launch = launched(command, { disk })
    expect(textOf(launch, "pi/models.json")).toMatchObject({
      providers: {
        anthropic: { baseUrl: GATEWAY, apiKey: "agent-a", models: [] },
        ollama: { baseUrl: "x" },
      },
    })
    expect(launch.claim.because).toHaveLength(2)
  })

  test.each<[string, Partial<Situation>]>([
    ["an extension", { disk: diskOf({ [`${OWN}/extensions/x.ts`]: "" }) }],
    ["models that are no plain JSON", { disk: diskOf({ [`${OWN}/models.json`]: "// x" }) }],
    ["credentials of a cloud", { env: { AWS_PROFILE: "work" } }],
  ])("%s is told, and it claims less", (_, changes) => {
    const { claim } = launched(command, changes)
    expect([claim.enforcement, claim.because.length]).toEqual(["metered", 1])
  })

  test("the user's own choice of its folder is where the user's things are taken from", () => {
    const disk = diskOf({ "/mine/settings.json": "{}" })
    const launch = launched(command, { disk, env: { PI_CODING_AGENT_DIR: "/mine" } })
    expect(launch.files[1]).toEqual({ path: "pi/settings.json", target: "/mine/settings.json" })
  })
})

describe("programs with an SDK, and unknown ones", () => {
  const named = (name: "anthropic-sdk" | "google-sdk", changes: Partial<Situation> = {}) =>
    launchOf(name, situation(["python", "agent.py"], changes))

  test("who names the SDK vouches for the program", () => {
    expect(named("anthropic-sdk")?.claim.enforcement).toBe("reserved")
    expect(named("google-sdk")?.env).toMatchObject({ GOOGLE_API_KEY: "agent-g" })
  })

  test.each<[string, Partial<Situation>]>([
    ["no key of Stint's", { keys: { ...KEYS, anthropic: null } }],
    [
      "a key in a file that such programs read",
      { disk: diskOf({ "/work/.env": "export XAI_API_KEY=x" }) },
    ],
    ["credentials of a cloud", { env: { AWS_WEB_IDENTITY_TOKEN_FILE: "/x" } }],
  ])("but not against %s", (_, changes) => {
    const claim = named("anthropic-sdk", changes)?.claim
    expect([claim?.enforcement, claim?.because.length]).toEqual(["metered", 1])
    expect(claim?.because.join()).not.toContain("=x")
  })

  test("an unknown program is never more than metered", () => {
    expect(launched(["./agent.sh"]).claim.enforcement).toBe("metered")
  })
})
