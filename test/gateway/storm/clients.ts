/** The clients of a storm: each makes its calls one after the other, retries, and sometimes leaves. */
import type { IncomingHttpHeaders } from "node:http"
import type { AdmittedAgent } from "../../../src/gateway/gateway.ts"
import type { Behaviour } from "../model-server.ts"
import { type Answer, begin } from "../wire.ts"
import { type Attempt, type CallPlan, type StormPlan, turns } from "./plan.ts"

/** How often what was seen: a status, `cut` or `gone`. */
export type Seen = ReadonlyMap<string, number>

/** Names client, call and attempt, so that the server knows what is to become of it. */
const WHICH = "x-storm-attempt"

const NOTHING_SPECIAL: Behaviour = { fault: null, answerTokens: 1 }

export const behaviourIn =
  (plan: StormPlan) =>
  (headers: IncomingHttpHeaders): Behaviour => {
    const [client = 0, call = 0, attempt = 0] = String(headers[WHICH]).split(".").map(Number)
    return plan.clients[client]?.calls[call]?.attempts[attempt] ?? NOTHING_SPECIAL
  }

export const runClients = async (
  plan: StormPlan,
  admitted: readonly AdmittedAgent[],
): Promise<Seen> => {
  const seen = new Map<string, number>()
  const note = (what: string): void => {
    seen.set(what, (seen.get(what) ?? 0) + 1)
  }
  const one = async (clientAt: number): Promise<void> => {
    const client = plan.clients[clientAt]
    const agent = client === undefined ? undefined : admitted[client.agentAt]
    if (client === undefined || agent === undefined) throw new Error("a client without an agent")
    const model = `agent-${client.agentAt}`
    for (const [callAt, call] of client.calls.entries()) {
      await makeCall({ agent, model, call, which: `${clientAt}.${callAt}`, note })
    }
  }
  await Promise.all(plan.clients.map((_, at) => one(at)))
  return seen
}

interface Making {
  readonly agent: AdmittedAgent
  readonly model: string
  readonly call: CallPlan
  readonly which: string
  readonly note: (what: string) => void
}

const makeCall = async ({ agent, model, call, which, note }: Making): Promise<void> => {
  const { provider, path, body } = call.request
  for (const [at, attempt] of call.attempts.entries()) {
    const underWay = begin(`${agent.baseUrl(provider)}${path(model)}`, {
      headers: {
        "content-type": "application/json",
        "x-api-key": agent.key,
        [WHICH]: `${which}.${at}`,
      },
      body: body(model),
    })
    if (attempt.leaves !== null) void leave(underWay, attempt.leaves)
    const answer = await underWay.answer.catch(() => null)
    note(nameOf(answer))
    if (isLast(answer)) return
  }
}

/** It is not asked again for what it got, nor for what its budget refuses. */
const isLast = (answer: Answer | null): boolean =>
  answer !== null && !answer.wasCut && (answer.status === 200 || isRefusal(answer))

const isRefusal = ({ body }: Answer): boolean =>
  ["Stint refused", "Budget exhausted"].some((words) => body.includes(words))

const leave = async (
  { head, leave: go }: ReturnType<typeof begin>,
  { after, turns: count }: NonNullable<Attempt["leaves"]>,
): Promise<void> => {
  if (after === "head") await head.catch(() => null)
  await turns(count)
  go()
}

const nameOf = (answer: Answer | null): string => {
  if (answer === null) return "gone"
  if (isRefusal(answer)) return "refused"
  return answer.wasCut ? "cut" : `${answer.status}`
}
