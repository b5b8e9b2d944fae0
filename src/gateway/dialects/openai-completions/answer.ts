/** Answers of OpenAI's older `/v1/completions`: the same chunks, with plain text in their choices. */
import type { AnswerMeter, CallRequest } from "../dialect.ts"
import { chunksMeter } from "../openai-chunks.ts"

export { isAddedUsage, mayBeAddedUsage } from "../openai-chunks.ts"

const TEXT: Buffer = Buffer.from('"text"')

export const meter = (request: CallRequest): AnswerMeter => chunksMeter(request, TEXT)
