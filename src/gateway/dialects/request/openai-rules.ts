/** Rows that several of OpenAI's APIs share. */
import { anySet, type BoundRule, told } from "./bound-rule.ts"

/** Parts that are no text: an image's or a sound's price does not follow from its bytes. */
export const OPENAI_MEDIA = [
  "image_url",
  "input_image",
  "image",
  "input_audio",
  "audio_url",
  "video_url",
  "file",
  "input_file",
  "document_url",
  "computer_screenshot",
]

/** Models that search or research by themselves, and names that ask for it (`:online`). */
const SEARCHING =
  /search-(?:preview|api)|deep-research|deepresearch|:online$|(?:^|\/)(?:sonar|compound)\b/i

export const SEARCHING_MODEL: BoundRule = {
  rule: "searching-model",
  treatment: "unboundable",
  trigger:
    "a model that searches by itself (`*-search-preview`, `*-deep-research`, `*:online`, `sonar*`, `compound*`)",
  why: "what it searches and reads is billed, and nothing in the body bounds it",
  found: ({ model }) => (SEARCHING.test(model) ? `the model is ${told(model)}` : null),
}

export const PREDICTION: BoundRule = {
  rule: "prediction",
  treatment: "unboundable",
  trigger: "`prediction`",
  why: "predicted tokens that are not used are billed as output beside the answer, and the API takes no cap with it",
  found: anySet("prediction"),
}
