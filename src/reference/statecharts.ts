/** `docs/reference/machines.md`: the machines as they run, drawn and listed from their own definition. */
import { agentMachine } from "../../machines/agent.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import { KILL_MS, SUMMARY_EVERY_MS } from "../../machines/supervisor-setup.ts"
import { type ChartState, type ChartTransition, chartOf, statesOf } from "./chart.ts"
import { AGENT_EVENTS, PAYLOADS, SUPERVISOR_EVENTS } from "./happenings.ts"
import { code, diagram, page, table } from "./markdown.ts"
import { drawChart } from "./mermaid.ts"
import { FACTS, ROWS } from "./outcomes.ts"

const INTRODUCTION = `<!-- Generated from machines/ and src/reference/: change it there. -->

# The machines

\`\`\`
supervisor            owns the budget, decides every request
├─ deadlines          absolute instants in, deadline.reached out
└─ pool               keeps the agents, so that a spawn and a stop cost the same at any number
   └─ agent × N       one life each
\`\`\`

These are the production machines; \`stint/machines\` exports them. Events go in past tense and
carry \`at\`, the wall-clock time in milliseconds (\`agent.over\` carries it inside). Decisions
come out as rows for the ledger, and as facts for whoever listens. An event about an agent that
is unknown or over is no transition.`

export const renderMachinesReference = (): string =>
  page(
    INTRODUCTION,
    machineSection(
      chartOf(supervisorMachine),
      `Four regions run side by side. \`life\` opens and closes the door, \`admission\` says whether
there is room to start, \`day\` what becomes of the running when the day is full, \`ledger\`
whether anything may be granted at all. A summary is due ${SUMMARY_EVERY_MS} ms after a change.`,
    ),
    machineSection(
      chartOf(agentMachine),
      `It counts nothing: the supervisor tells it crossings and when to stop. After SIGKILL a
tree has ${KILL_MS} ms to be gone. \`startWork\`, \`interrupt\`, \`killTree\` and \`warn\` are
provided by the host.`,
    ),
    happened("Events of the supervisor", "event", SUPERVISOR_EVENTS),
    happened("Events of an agent", "event", AGENT_EVENTS),
    payloads(),
    happened(
      "Facts",
      "fact",
      FACTS,
      "Emitted to listeners (`supervisor.on`), each with `at`. Never one per usage report.",
    ),
    happened(
      "Rows",
      "row",
      ROWS,
      "What the ledger keeps, each with `seq` and `at`. The budget is the fold of its rows.",
    ),
    "Reasons, mechanisms, statuses and enforcement classes: [reasons](reasons.md).",
  )

const machineSection = (chart: ChartState, introduction: string): string =>
  [
    `## ${chart.path}`,
    introduction,
    diagram(drawChart(chart)),
    `### Transitions of the ${chart.path}`,
    "The first whose guard holds is taken. Without an event, a transition is taken by itself.",
    transitionTable(chart),
  ].join("\n\n")

const transitionTable = (chart: ChartState): string =>
  table(
    ["state", "event", "guard", "target", "actions"],
    statesOf(chart).flatMap((state) => [
      ...(state.entry.length === 0
        ? []
        : [[code(state.path), "entry", "", "", codes(state.entry)]]),
      ...state.transitions.map((transition) => rowOf(state, transition)),
    ]),
  )

const rowOf = (state: ChartState, { event, guard, target, actions }: ChartTransition) => [
  code(state.path),
  event === null ? "" : code(event),
  guard === null ? "" : code(guard),
  target === null ? "" : code(target.path),
  codes(actions),
]

interface Happening {
  readonly meaning: string
  readonly fields: Readonly<Record<string, string>>
}

const happened = (
  title: string,
  head: string,
  happenings: Readonly<Record<string, Happening>>,
  introduction?: string,
): string =>
  [
    `## ${title}`,
    ...(introduction === undefined ? [] : [introduction]),
    table(
      [head, "meaning", "fields"],
      Object.entries(happenings).map(([name, { meaning, fields }]) => [
        code(name),
        meaning,
        told(fields),
      ]),
    ),
  ].join("\n\n")

const payloads = (): string =>
  [
    "## What events carry",
    table(
      ["payload", "fields"],
      Object.entries<Readonly<Record<string, string>>>({ ...PAYLOADS }).map(([name, fields]) => [
        name,
        told(fields),
      ]),
    ),
  ].join("\n\n")

const told = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, meaning]) => `${code(name)} ${meaning}`)
    .join("<br>")

const codes = (words: readonly string[]): string => words.map(code).join(", ")
