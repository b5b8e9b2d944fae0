/**
 * Requests under way: nothing is written of them yet, so the ledger cannot recognise a second
 * asking. The same id and content joins the first; other content is a mistake of the caller.
 */
import { conflict } from "./errors.ts"

export class UnderWay<Answered> {
  private readonly asked = new Map<
    string,
    { readonly content: string; readonly what: string; readonly answer: Promise<Answered> }
  >()

  /** `content` tells requests apart; `what` tells a person what the id was used for. */
  join(id: string, content: string, what: string, ask: () => Promise<Answered>): Promise<Answered> {
    const before = this.asked.get(id)
    if (before !== undefined)
      return before.content === content ? before.answer : Promise.reject(conflict(id, before.what))
    const answer = ask().finally(() => this.asked.delete(id))
    this.asked.set(id, { content, what, answer })
    return answer
  }
}
