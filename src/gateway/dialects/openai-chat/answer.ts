/** Answers of OpenAI's `/v1/chat/completions`, and of all that speak it. */
import type { AnswerMeter, CallRequest } from "../dialect.ts"
import { chunksMeter } from "../openai-chunks.ts"

export { isAddedUsage, mayBeAddedUsage } from "../openai-chunks.ts"

const DELTA: Buffer = Buffer.from('"delta"')

export const meter = (request: CallRequest): AnswerMeter => chunksMeter(request, DELTA)
