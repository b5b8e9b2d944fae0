/** How many tokens a byte of text came to of late, by model: for estimates only, never for a bound. */

/** Before anything is known: twice what English text comes to. */
const UNKNOWN_RATIO = 0.5
/** An estimate that is too low overspends, one that is too high is shown as uncertain. */
const MARGIN = 1.2
const WEIGHT_OF_NEWEST = 0.2
const MODELS_MAX = 256

export class TokenRatios {
  private readonly byModel = new Map<string, number>()

  learn(model: string, bytes: number, tokens: number): void {
    if (bytes <= 0 || tokens <= 0) return
    const seen = Math.min(1, tokens / bytes)
    const known = this.byModel.get(model)
    const [oldest] = this.byModel.keys()
    if (known === undefined && this.byModel.size >= MODELS_MAX && oldest !== undefined) {
      this.byModel.delete(oldest)
    }
    const learned = known === undefined ? seen : known + WEIGHT_OF_NEWEST * (seen - known)
    this.byModel.set(model, learned)
  }

  /** Never more than a token a byte. */
  estimate(model: string, bytes: number): number {
    const ratio = this.byModel.get(model)
    return Math.ceil(bytes * (ratio === undefined ? UNKNOWN_RATIO : Math.min(1, ratio * MARGIN)))
  }
}
