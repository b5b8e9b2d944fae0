/** The parameters of a Gemini request, those of `generationConfig` among them. */
import { type Fields, namedEitherWay, nestedFields } from "../request/fields.ts"
import type { Reading } from "../request/values.ts"

export const GENERATE_KNOWN = namedEitherWay(
  ...["contents", "systemInstruction", "tools", "toolConfig", "safetySettings", "labels", "model"],
  ...["generationConfig", "cachedContent", "serviceTier", "store", "modelArmorConfig"],
)

const CONFIG_KNOWN = namedEitherWay(
  ...["maxOutputTokens", "candidateCount", "thinkingConfig", "responseModalities", "temperature"],
  ...["topP", "topK", "stopSequences", "responseMimeType", "responseSchema", "responseJsonSchema"],
  ...["presencePenalty", "frequencyPenalty", "seed", "responseLogprobs", "logprobs"],
  ...["mediaResolution", "speechConfig", "imageConfig", "audioTimestamp", "responseFormat"],
  ...["enableEnhancedCivicAnswers", "routingConfig", "modelSelectionConfig", "modelConfig"],
)

const THINKING_KNOWN = namedEitherWay("thinkingBudget", "includeThoughts", "thinkingLevel")

/** Problems are told by the reader that asks first; the rows ask again without telling. */
export const configOf = ({ text, fields, problems }: Reading): Fields =>
  nestedFields(text, fields, "generationConfig", CONFIG_KNOWN, problems)

export const thinkingOf = ({ text, problems }: Reading, config: Fields): Fields =>
  nestedFields(text, config, "thinkingConfig", THINKING_KNOWN, problems)
