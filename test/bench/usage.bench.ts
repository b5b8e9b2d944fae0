/** Usage through the supervisor beside the floor of XState itself: agent machine → supervisor machine. */
import { type ActorRefFrom, assign, createActor, sendParent, setup } from "xstate"
import { makeSupervisor, reportUsage, spawnAgent } from "./fleet.ts"
import { type BenchResult, interleaved, rateOf } from "./result.ts"

type UsageEvent = { readonly type: "usage"; readonly tokens: number }

const bareAgent = setup({
  types: { context: {} as { used: number }, events: {} as UsageEvent },
}).createMachine({
  context: { used: 0 },
  initial: "running",
  states: {
    running: {
      on: {
        usage: {
          actions: [
            assign({ used: ({ context, event }) => context.used + event.tokens }),
            sendParent(({ event }) => event),
          ],
        },
      },
    },
  },
})

const bareSupervisor = setup({
  types: { context: {} as { used: number }, events: {} as UsageEvent },
  actors: { agent: bareAgent },
}).createMachine({
  context: { used: 0 },
  invoke: { src: "agent", id: "agent" },
  initial: "running",
  states: {
    running: {
      on: {
        usage: { actions: assign({ used: ({ context, event }) => context.used + event.tokens }) },
      },
    },
  },
})

const CALLS = 50_000
const AGENTS = 100

export const run = (): readonly BenchResult[] => {
  const bare = createActor(bareSupervisor).start()
  const child = bare.getSnapshot().children.agent as ActorRefFrom<typeof bareAgent>
  const supervisor = makeSupervisor()
  const names = Array.from({ length: AGENTS }, (_, index) => `agent-${index}`)
  for (const name of names) spawnAgent(supervisor, name)
  const through = () =>
    rateOf(CALLS, () => {
      for (let call = 0; call < CALLS; call += 1)
        reportUsage(supervisor, names[call % AGENTS] ?? "", 7)
    })
  const chain = () =>
    rateOf(CALLS, () => {
      for (let call = 0; call < CALLS; call += 1) child.send({ type: "usage", tokens: 7 })
    })
  const { a, b, ratio } = interleaved(7, through, chain)
  return [
    { name: "usage through the supervisor", value: a, unit: "calls/s" },
    { name: "usage through a bare two-machine chain", value: b, unit: "calls/s" },
    { name: "usage: supervisor ÷ bare chain", value: ratio, unit: "×", target: { atLeast: 0.4 } },
  ]
}
