/**
 * Which hashes a run may carry: two bits for each, of a row of bits eight times as many.
 *
 * Most ids asked for are new, and to know that of each run by reading it would make every
 * request slower the longer the ledger gets. One run in twenty says "maybe" for nothing.
 */
export const filterOf = (hashes: readonly number[]): Uint8Array => {
  const wanted = 2 ** Math.ceil(Math.log2(Math.max(8, hashes.length * 8)))
  const bits = new Uint8Array(wanted / 8)
  for (const hash of hashes)
    for (const place of placesOf(hash, bits))
      bits[place >>> 3] = (bits[place >>> 3] ?? 0) | (1 << (place & 7))
  return bits
}

export const mayHold = (bits: Uint8Array, hash: number): boolean =>
  placesOf(hash, bits).every((place) => ((bits[place >>> 3] ?? 0) >>> (place & 7)) & 1)

const placesOf = (hash: number, bits: Uint8Array): readonly [number, number] => {
  const mask = bits.length * 8 - 1
  return [hash & mask, (Math.imul(hash, 0x9e3779b1) >>> 7) & mask]
}
