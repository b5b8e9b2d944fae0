/** Which program a command line starts. */
import { describe, expect, test } from "vitest"
import { recognise } from "../../../src/runners/profiles/recognise.ts"

describe("the command line tells", () => {
  test.each<[words: string, program: string, argsAt: number | null]>([
    ["claude -p hi", "claude", 1],
    ["/opt/bin/claude -p hi", "claude", 1],
    ["codex exec hi", "codex", 1],
    ["./node_modules/.bin/gemini -p hi", "gemini", 1],
    ["opencode run hi", "opencode", 1],
    ["pi -p hi", "pi", 1],
    ["C:/bin/claude.exe -p hi", "claude", 1],
    ["npx codex exec hi", "codex", 2],
    ["npx -y @openai/codex@0.169.0 exec hi", "codex", 3],
    ["npx --yes @anthropic-ai/claude-code -p hi", "claude", 3],
    ["bunx opencode-ai run hi", "opencode", 2],
    ["pnpm dlx @google/gemini-cli -p hi", "gemini", 3],
    ["npm exec -- @earendil-works/pi-coding-agent -p hi", "pi", 4],
    ["node /x/node_modules/@openai/codex/bin/codex.js exec hi", "codex", 2],
    ["node /x/node_modules/@earendil-works/pi-coding-agent/dist/cli.js -p hi", "pi", 2],
    ["node --max-old-space-size=4096 /x/node_modules/@google/gemini-cli/bundle/g.js", "gemini", 3],
    ["node ./gemini.js", "gemini", 2],
    ["node ./agent.js", "generic", null],
    ["node --import tsx ./gemini.js", "generic", null],
    ["npx -p codex something", "generic", null],
    ["npx codexx", "generic", null],
    ["timeout 60 claude -p hi", "generic", null],
    ["python agent.py claude", "generic", null],
    ["npm test", "generic", null],
    ["pip install x", "generic", null],
  ])("%s", (words, program, argsAt) => {
    expect(recognise("auto", words.split(" "))).toEqual({ program, argsAt, isNamed: false })
  })

  test.each<[text: string, program: string]>([
    ['claude -p "fix the build" --verbose', "claude"],
    ["  exec claude -p hi", "claude"],
    ["claude -p hi && ./test.sh", "generic"],
    ["claude -p hi | tee log", "generic"],
    ["FOO=1 claude -p hi", "generic"],
    ["cd x; claude", "generic"],
    ["claude -p $(cat prompt)", "generic"],
    ["./agent.sh", "generic"],
  ])("sh -c %j, where no argument can be added", (text, program) => {
    const expected = { program, argsAt: null, isNamed: false }
    expect(recognise("auto", ["sh", "-c", text])).toEqual(expected)
  })
})

describe("the user has named it", () => {
  test("and where arguments go is still read from the command", () => {
    expect(recognise("codex", ["npx", "codex", "exec"])).toMatchObject({
      program: "codex",
      argsAt: 2,
    })
  })

  test("and the command is another program: no argument is added to that", () => {
    const wrapped = { program: "codex", argsAt: null, isNamed: true }
    expect(recognise("codex", ["./run-codex.sh"])).toEqual(wrapped)
    expect(recognise("codex", ["claude", "-p"])).toEqual(wrapped)
  })

  test("none is none", () => {
    expect(recognise("none", ["claude"])).toBeNull()
  })
})
