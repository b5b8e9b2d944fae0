/** Deadlines by instant: a binary heap whose cleared entries are dropped lazily, never piled up. */
import type { Instant } from "./vocabulary.ts"

export interface Due<A> {
  readonly name: string
  readonly dueAt: Instant
  readonly value: A
}

/** Stale entries tolerated before the heap is rebuilt from what is still wanted. */
const SLACK = 64

export class DeadlineQueue<A> {
  private readonly wanted = new Map<string, Due<A>>()
  private heap: Due<A>[] = []

  get size(): number {
    return this.wanted.size
  }

  set(due: Due<A>): void {
    this.wanted.set(due.name, due)
    this.heap.push(due)
    this.rise(this.heap.length - 1)
    this.compact()
  }

  clear(name: string): void {
    if (this.wanted.delete(name)) this.compact()
  }

  /** The next one due, still wanted. */
  peek(): Due<A> | undefined {
    for (let top = this.heap[0]; top !== undefined; top = this.heap[0]) {
      if (this.wanted.get(top.name) === top) return top
      this.pop()
    }
    return undefined
  }

  /** Takes the next one off when it is due at `now`. */
  take(now: Instant): Due<A> | undefined {
    const next = this.peek()
    if (next === undefined || next.dueAt > now) return undefined
    this.pop()
    this.wanted.delete(next.name)
    return next
  }

  toJSON(): { readonly pending: number; readonly nextAt: Instant | null } {
    return { pending: this.size, nextAt: this.peek()?.dueAt ?? null }
  }

  private compact(): void {
    if (this.heap.length <= 2 * this.wanted.size + SLACK) return
    this.heap = [...this.wanted.values()].sort((a, b) => a.dueAt - b.dueAt)
  }

  private pop(): void {
    const last = this.heap.pop()
    if (last === undefined || this.heap.length === 0) return
    this.heap[0] = last
    this.sink(0)
  }

  private rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (this.dueAt(parent) <= this.dueAt(at)) return
      this.swap(at, parent)
      at = parent
    }
  }

  private sink(from: number): void {
    let at = from
    for (;;) {
      const left = 2 * at + 1
      if (left >= this.heap.length) return
      const right = left + 1
      const least = right < this.heap.length && this.dueAt(right) < this.dueAt(left) ? right : left
      if (this.dueAt(at) <= this.dueAt(least)) return
      this.swap(at, least)
      at = least
    }
  }

  private dueAt(index: number): Instant {
    return this.heap[index]?.dueAt ?? Number.POSITIVE_INFINITY
  }

  private swap(a: number, b: number): void {
    const first = this.heap[a]
    const second = this.heap[b]
    if (first === undefined || second === undefined) return
    this.heap[a] = second
    this.heap[b] = first
  }
}
