/** Real bodies of usage with the prices others compute for them, where the data is at hand. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gunzipSync } from "node:zlib"
import type { PricedUsage } from "../../src/pricing/price-book.ts"

const DATA = process.env.STINT_TEST_DATA ?? join(import.meta.dirname, "../../../shared/data")
const ARCHIVE = join(DATA, "usage-normalisation/usages.json.gz")

export const isAbsent = !existsSync(ARCHIVE)

/** By the recording's names; `input_tokens` and `output_tokens` are totals. */
export type Counts = Readonly<Record<string, number>>

interface Recorded {
  readonly model?: string
  readonly extracted: readonly {
    readonly usage: Counts
    readonly extractors: readonly {
      readonly provider_id: string
      readonly input_price?: string
      readonly output_price?: string
    }[]
  }[]
}

export interface RecordedPrice {
  readonly provider: string
  readonly model: string
  readonly counts: Counts
  readonly microUsd: number
}

export const recordedPrices = (): { bodies: number; prices: readonly RecordedPrice[] } => {
  const bodies: readonly Recorded[] = JSON.parse(gunzipSync(readFileSync(ARCHIVE)).toString())
  const prices = bodies.flatMap(({ model, extracted }) =>
    extracted.flatMap(({ usage, extractors }) =>
      extractors.flatMap(({ provider_id, input_price, output_price }) => {
        if (model === undefined || input_price === undefined || output_price === undefined)
          return []
        const microUsd = (Number(input_price) + Number(output_price)) * 1_000_000
        return [{ provider: provider_id, model, counts: usage, microUsd }]
      }),
    ),
  )
  return { bodies: bodies.length, prices }
}

export const partOf = (model: string, counts: Counts): PricedUsage => {
  const count = (name: string): number => counts[name] ?? 0
  const cacheReadTokens = count("cache_read_tokens")
  const cacheWriteTokens = count("cache_write_tokens")
  return {
    model,
    usage: {
      inputTokens: count("input_tokens") - cacheReadTokens - cacheWriteTokens,
      outputTokens: count("output_tokens"),
      cacheWriteTokens,
      cacheReadTokens,
    },
    cacheWriteHourTokens: count("cache_write_1h_tokens"),
    inputAudioTokens: count("input_audio_tokens"),
    outputAudioTokens: count("output_audio_tokens"),
    cacheReadAudioTokens: count("cache_audio_read_tokens"),
    inputMediaTokens:
      count("input_image_tokens") +
      count("input_video_tokens") -
      count("cache_image_read_tokens") -
      count("cache_video_read_tokens"),
    outputMediaTokens: count("output_image_tokens"),
    webSearches: 0,
  }
}
