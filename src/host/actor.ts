/** The machines with the world put in: the supervisor's actor, ready to start. */
import { type Actor, createActor, type InspectionEvent } from "xstate"
import { agentMachine } from "../../machines/agent.ts"
import { createAgentPool } from "../../machines/agent-pool.ts"
import type { Row } from "../../machines/budget/row.ts"
import { createDeadlines, type MakeAlarm } from "../../machines/deadlines.ts"
import { supervisorMachine } from "../../machines/supervisor.ts"
import type { Answer, SupervisorInput } from "../../machines/supervisor-setup.ts"
import type { Works } from "./works.ts"

export interface ActorOptions {
  readonly input: SupervisorInput
  readonly works: Works
  readonly makeAlarm: MakeAlarm
  readonly inspect: ((event: InspectionEvent) => void) | undefined
  readonly append: (rows: readonly Row[]) => void
  readonly reply: (answer: Answer) => void
}

export const actorOf = (options: ActorOptions): Actor<typeof supervisorMachine> => {
  const { works, inspect } = options
  const agentLogic = agentMachine.provide({
    actions: {
      startWork: (_, context) => (context.isResumed ? works.resume(context) : works.start(context)),
      interrupt: ({ context }, { key }) => works.interrupt(key, context.reason ?? "stopped"),
      killTree: (_, { key }) => works.kill(key),
      warn: (_, { key, status }) => works.warn(key, status),
    },
  })
  const logic = supervisorMachine.provide({
    actors: {
      pool: createAgentPool(agentLogic),
      deadlines: createDeadlines(options.makeAlarm),
    },
    actions: {
      append: (_, { rows }) => options.append(rows),
      reply: (_, answer) => options.reply(answer),
    },
  })
  return createActor(logic, {
    input: options.input,
    ...(inspect === undefined ? {} : { inspect }),
  })
}
