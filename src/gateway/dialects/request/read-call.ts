/** Reads a request by what its API says of itself. The same steps for all of them. */
import type { CallPath, CallRequest, DialectName, MalformedRequest } from "../dialect.ts"
import { openBody } from "./body.ts"
import { type BoundRule, boundsOf } from "./bound-rule.ts"
import { fieldsOf, type KnownNames } from "./fields.ts"
import { TEMPLATE_TOKENS, textBound } from "./input-bound.ts"
import { type Reading, readModel } from "./values.ts"

/** What only the API's own reader can tell. */
export type OwnPart = Pick<
  CallRequest,
  "streams" | "outputCap" | "thinkingTokens" | "hasOutput"
> & {
  /** What the provider may add to the text of this request, beside the template. */
  readonly addedTokens: number
  /** False where the API says usage only when asked, and was not; true by default. */
  readonly saysUsage?: boolean
  /** False where the cap is the API's own default; true by default. */
  readonly saysCap?: boolean
}

export interface RequestApi {
  readonly dialect: DialectName
  readonly known: KnownNames
  readonly rules: readonly BoundRule[]
  readonly own: (reading: Reading, path: CallPath) => OwnPart
}

export const readCall =
  (api: RequestApi) =>
  (bytes: Buffer, path: CallPath): CallRequest | MalformedRequest => {
    const body = openBody(bytes)
    if ("malformed" in body) return body
    const problems: string[] = []
    const fields = fieldsOf(body, api.known, problems)
    const reading: Reading = { text: body.text, fields, problems }
    const model = readModel(reading, path)
    const { addedTokens, ...own } = api.own(reading, path)
    const { answers, unboundable } = boundsOf(api.dialect, api.rules, { ...reading, model })
    if (!Number.isSafeInteger(answers))
      problems.push("more answers are asked for than can be counted")
    if (problems.length > 0) return { malformed: problems.join("; ") }
    return {
      model,
      saysUsage: true,
      saysCap: true,
      ...own,
      inputBoundTokens: textBound(body, bytes) + TEMPLATE_TOKENS + addedTokens,
      answers,
      unboundable,
    }
  }
