/** "Did you mean": the known word nearest to a mistaken one. */

const bare = (word: string): string => word.toLowerCase().replace(/[-_ ]/g, "")

/** Edits (insert, delete, replace, swap neighbours) between two words. */
const distance = (a: string, b: string): number => {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped =
        i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
          ? (before[j - 2] ?? 0) + 1
          : Number.POSITIVE_INFINITY
      row.push(Math.min(replaced, swapped, (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1))
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

/** The word of `known` that `word` most likely stands for, or null when none is near. */
export const nearest = (word: string, known: readonly string[]): string | null => {
  const sought = bare(word).slice(0, 64)
  const near = known
    .map((candidate) => ({ candidate, edits: distance(sought, bare(candidate)) }))
    .filter(({ candidate, edits }) => edits <= Math.max(1, Math.floor(bare(candidate).length / 4)))
    .sort((a, b) => a.edits - b.edits)
  return near[0]?.candidate ?? null
}
