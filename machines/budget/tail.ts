/** The last few of an endless list, persistent: append and forget in O(log n). */
import * as HashMap from "effect/HashMap"

export interface Tail<A> {
  readonly items: HashMap.HashMap<number, A>
  /** Ordinals kept: `from ≤ n < to`. */
  readonly from: number
  readonly to: number
}

export const emptyTail = <A>(): Tail<A> => ({ items: HashMap.empty(), from: 0, to: 0 })

export const append = <A>(
  tail: Tail<A>,
  item: A,
  length: number,
): { readonly tail: Tail<A>; readonly forgotten: A | undefined } => {
  const grown = HashMap.set(tail.items, tail.to, item)
  if (tail.to - tail.from < length)
    return { tail: { items: grown, from: tail.from, to: tail.to + 1 }, forgotten: undefined }
  const oldest = HashMap.get(grown, tail.from)
  return {
    tail: { items: HashMap.remove(grown, tail.from), from: tail.from + 1, to: tail.to + 1 },
    forgotten: oldest._tag === "Some" ? oldest.value : undefined,
  }
}

/** Oldest first. */
export const listed = <A>(tail: Tail<A>): readonly A[] => {
  const list: A[] = []
  for (let ordinal = tail.from; ordinal < tail.to; ordinal += 1) {
    const item = HashMap.get(tail.items, ordinal)
    if (item._tag === "Some") list.push(item.value)
  }
  return list
}

/** Changes the newest item that satisfies `where`, if any is still listed. */
export const amend = <A>(
  tail: Tail<A>,
  where: (item: A) => boolean,
  change: (item: A) => A,
): Tail<A> => {
  for (let ordinal = tail.to - 1; ordinal >= tail.from; ordinal -= 1) {
    const item = HashMap.get(tail.items, ordinal)
    if (item._tag === "Some" && where(item.value))
      return { ...tail, items: HashMap.set(tail.items, ordinal, change(item.value)) }
  }
  return tail
}

export const newest = <A>(tail: Tail<A>): A | undefined => {
  const item = HashMap.get(tail.items, tail.to - 1)
  return item._tag === "Some" ? item.value : undefined
}
