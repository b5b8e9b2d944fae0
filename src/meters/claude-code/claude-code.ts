/**
 * The meter of `claude -p --output-format stream-json` (and `json`).
 *
 * Calls are counted as they are seen, each once; their input is exact then, their output only a
 * placeholder. The `result` of a turn gives the account, and what it holds beyond the calls seen is
 * told as the rest, model by model: together they are the account, to the token. What ends without
 * a `result` was cut: what was seen stands, the output printed and not counted is estimated, and the
 * calls under way are `unknown`.
 */
import { NO_USAGE, rawTokens, sameUsage } from "../../../machines/budget/amounts.ts"
import type { Provenance, Usage } from "../../../machines/vocabulary.ts"
import { advance, type Cumulative, FROM_ZERO, sumOf, type Totals } from "../cumulative.ts"
import { type Json, parseObject, UnreadableField } from "../fields.ts"
import { type Meter, type MeterReading, NOTHING, unreadableLine } from "../meter.ts"
import { modelNamed, NO_MODEL, SeenCalls } from "./calls.ts"
import {
  type Began,
  type ClaudeEvent,
  type Concluded,
  type Counted,
  type ModelAccount,
  readEvent,
  type Spoke,
} from "./events.ts"
import { type CallInFlight, Flight } from "./flight.ts"
import { largerInput, restOf } from "./rest.ts"

/** What a line that tells of calls has somewhere in it. */
const MARKS = ['usage"', '"tool_result"', '"init"'].map((mark) => Buffer.from(mark))

export const mayBeClaudeCode = (line: Buffer): boolean => MARKS.some((mark) => line.includes(mark))

export const claudeCodeMeter = (): Meter => new ClaudeCodeMeter()

export class ClaudeCodeMeter implements Meter {
  readonly #calls = new SeenCalls()
  readonly #flight = new Flight()
  #counter: Cumulative = FROM_ZERO
  /** Of the turn under way, and of the last account. */
  #sessionId: string | null = null
  #accountedSessionId: string | null = null
  #accountedUuid: string | null = null

  concerns(line: Buffer): boolean {
    return mayBeClaudeCode(line)
  }

  read(line: string): readonly MeterReading[] {
    const parsed = parseObject(line)
    return parsed === null ? NOTHING : this.readParsed(parsed)
  }

  /** The same, of a line that has been parsed already. */
  readParsed(line: Json): readonly MeterReading[] {
    try {
      const event = readEvent(line)
      return event === null ? NOTHING : this.#take(event)
    } catch (error) {
      if (error instanceof UnreadableField)
        return unreadableLine(`a line of Claude Code: ${error.message}`)
      throw error
    }
  }

  end(): readonly MeterReading[] {
    return this.#close(this.#flight.inFlight())
  }

  #take(event: ClaudeEvent): readonly MeterReading[] {
    switch (event.kind) {
      case "began":
        return this.#began(event)
      case "spoke":
        return this.#spoke(event)
      case "counted":
        return this.#counted(event)
      case "answered":
        this.#flight.answered(event)
        return NOTHING
      case "concluded":
        return this.#concluded(event)
    }
  }

  /** A process that begins where another gave no account: the other was cut, and counts no more. */
  #began({ sessionId }: Began): readonly MeterReading[] {
    const isOther = this.#sessionId !== null && sessionId !== this.#sessionId
    const isAfterCut = isOther && this.#isUnaccounted()
    if (isAfterCut) this.#counter = FROM_ZERO
    const charges = isAfterCut ? this.#close(this.#flight.inFlight()) : NOTHING
    this.#sessionId = sessionId
    this.#flight.began()
    return charges
  }

  #spoke(event: Spoke): readonly MeterReading[] {
    this.#flight.spoke(event)
    const reading = this.#calls.tell({ ...event, isCounted: false })
    return reading === null ? NOTHING : [reading]
  }

  #counted({ lineage, id, usage }: Counted): readonly MeterReading[] {
    const latest = this.#flight.counted(lineage)
    const counted = id ?? latest
    const model = counted === null ? undefined : this.#calls.modelOf(counted)
    // Of a call nobody has told of the account will tell.
    if (model === undefined) return NOTHING
    const reading = this.#calls.tell({ id: counted, model, usage, printed: 0, isCounted: true })
    return reading === null ? NOTHING : [reading]
  }

  #concluded(event: Concluded): readonly MeterReading[] {
    if (event.uuid !== null && event.uuid === this.#accountedUuid) return NOTHING
    const account = this.#accountOf(event)
    this.#accountedUuid = event.uuid
    this.#accountedSessionId = event.sessionId
    const cut = event.isCut ? this.#flight.inFlight() : []
    // An account of nothing, where something was seen, is none.
    if (rawTokens(sumOf(account)) === 0) return this.#close(cut)
    const aliases = new Map(event.models.map(({ model, aka }) => [model, aka ?? model]))
    const rests = restOf(account, this.#calls.live, aliases)
    // A cut call that was answering is in the account; so is one whose input is in the rest.
    const left = inputOf(rests) === 0 ? cut.filter(({ stage }) => stage === "asked") : []
    this.#settle()
    return [...completing(rests, "reported"), ...left.map((call) => this.#chargeOf(call))]
  }

  /** By model, since the last account; `modelUsage` counts from the start of the process. */
  #accountOf({ models, modelsSince, turn, sessionId }: Concluded): Totals {
    if (models.every(({ usage }) => rawTokens(usage) === 0)) return this.#turnAccount(turn)
    const { after, growth } = advance(this.#counter, byModel(models), {
      seenInput: largerInput(sumOf(this.#calls.live), turn),
      isSameOwner: sessionId === this.#accountedSessionId,
    })
    this.#counter = after
    return modelsSince === null ? growth : byModel(modelsSince)
  }

  /** Older versions give the turn's sum alone: it is told of the one model that was seen. */
  #turnAccount(turn: Usage): Totals {
    const [model = NO_MODEL, ...others] = this.#calls.live.keys()
    return new Map([[others.length === 0 ? model : NO_MODEL, turn]])
  }

  #isUnaccounted(): boolean {
    return this.#calls.live.size > 0 || this.#flight.inFlight().length > 0
  }

  /** Without an account: charges the calls that were cut, and what was printed and not counted. */
  #close(cut: readonly CallInFlight[]): readonly MeterReading[] {
    const unknown = cut.map((call) => this.#chargeOf(call))
    const estimated = completing(this.#unreportedOutput(cut), "estimated")
    this.#settle()
    return [...estimated, ...unknown]
  }

  #settle(): void {
    this.#calls.settle()
    this.#flight.settle()
  }

  /** Printed and not counted, by model, without the calls that were cut. */
  #unreportedOutput(cut: readonly CallInFlight[]): Totals {
    const outputs = new Map(this.#calls.unreportedOutput)
    for (const flying of cut) {
      if (flying.stage !== "answering" || flying.call.id === null) continue
      const model = this.#calls.modelOf(flying.call.id) ?? NO_MODEL
      const unreported = this.#calls.unreportedOf(flying.call.id)
      outputs.set(model, Math.max((outputs.get(model) ?? 0) - unreported, 0))
    }
    return new Map([...outputs].map(([model, output]) => [model, outputOf(output)]))
  }

  /**
   * A call that was cut. Of one that had begun to answer the input is counted already; of one that
   * had not, the size of the call before it is the best there is. Never zero.
   */
  #chargeOf(flying: CallInFlight): MeterReading {
    const charge =
      flying.stage === "answering"
        ? { model: flying.call.model, usage: this.#unreportedOf(flying.call.id) }
        : { model: flying.before?.model ?? null, usage: flying.before?.usage ?? outputOf(1) }
    return {
      kind: "usage",
      usageId: null,
      usage: charge.usage,
      model: charge.model,
      provenance: "unknown",
      completes: true,
    }
  }

  #unreportedOf(id: string | null): Usage {
    return outputOf(Math.max(id === null ? 0 : this.#calls.unreportedOf(id), 1))
  }
}

const byModel = (accounts: readonly ModelAccount[]): Totals =>
  new Map(accounts.map(({ model, usage }) => [model, usage]))

const outputOf = (outputTokens: number): Usage => ({ ...NO_USAGE, outputTokens })

const inputOf = (totals: Totals): number => largerInput(sumOf(totals), NO_USAGE)

const completing = (totals: Totals, provenance: Provenance): readonly MeterReading[] =>
  [...totals]
    .filter(([, usage]) => !sameUsage(usage, NO_USAGE))
    .map(([model, usage]) => ({
      kind: "usage",
      usageId: null,
      usage,
      model: modelNamed(model),
      provenance,
      completes: true,
    }))
