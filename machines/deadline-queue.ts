/**
 * Deadlines by instant, and of one instant in the order they were set: a binary heap whose
 * cleared entries are dropped lazily, never piled up.
 */
import type { Instant } from "./vocabulary.ts"

export interface Due<A> {
  readonly name: string
  readonly dueAt: Instant
  readonly value: A
}

interface Entry<A> {
  readonly due: Due<A>
  readonly order: number
}

const inOrder = (a: Entry<unknown>, b: Entry<unknown>): number =>
  a.due.dueAt - b.due.dueAt || a.order - b.order

/** Stale entries tolerated before the heap is rebuilt from what is still wanted. */
const SLACK = 64

export class DeadlineQueue<A> {
  private readonly wanted = new Map<string, Entry<A>>()
  private heap: Entry<A>[] = []
  private order = 0

  get size(): number {
    return this.wanted.size
  }

  set(due: Due<A>): void {
    this.order += 1
    const entry = { due, order: this.order }
    this.wanted.set(due.name, entry)
    this.heap.push(entry)
    this.rise(this.heap.length - 1)
    this.compact()
  }

  clear(name: string): void {
    if (this.wanted.delete(name)) this.compact()
  }

  /** The next one due, still wanted. */
  peek(): Due<A> | undefined {
    for (let top = this.heap[0]; top !== undefined; top = this.heap[0]) {
      if (this.wanted.get(top.due.name) === top) return top.due
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
    this.heap = [...this.wanted.values()].sort(inOrder)
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
      if (!this.isBefore(at, parent)) return
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
      const least = right < this.heap.length && this.isBefore(right, left) ? right : left
      if (!this.isBefore(least, at)) return
      this.swap(at, least)
      at = least
    }
  }

  private isBefore(a: number, b: number): boolean {
    const [first, second] = [this.heap[a], this.heap[b]]
    return first !== undefined && second !== undefined && inOrder(first, second) < 0
  }

  private swap(a: number, b: number): void {
    const first = this.heap[a]
    const second = this.heap[b]
    if (first === undefined || second === undefined) return
    this.heap[a] = second
    this.heap[b] = first
  }
}
