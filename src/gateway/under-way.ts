/**
 * What is under way, in a list where each knows its place: to come and to go is one assignment, and
 * whoever has gone is held by nothing.
 */
export interface Answering {
  giveUp(): void
  /** Its place among those under way; kept by `UnderWay` alone. */
  place: number
}

export class UnderWay {
  private readonly all: Answering[] = []

  add(answering: Answering): void {
    answering.place = this.all.length
    this.all.push(answering)
  }

  /** The last one takes its place. */
  delete(answering: Answering): void {
    const { place } = answering
    if (this.all[place] !== answering) return
    const last = this.all.pop()
    if (last === undefined || last === answering) return
    last.place = place
    this.all[place] = last
  }

  giveUpAll(): void {
    for (const answering of [...this.all]) answering.giveUp()
  }
}

/** How many requests are being attended to, and word when there are none. */
export class Visits {
  private count = 0
  private readonly none = Promise.withResolvers<void>()
  private isAwaited = false

  begin(): void {
    this.count += 1
  }

  end(): void {
    this.count -= 1
    if (this.isAwaited && this.count === 0) this.none.resolve()
  }

  over(): Promise<void> {
    this.isAwaited = true
    if (this.count === 0) this.none.resolve()
    return this.none.promise
  }
}
