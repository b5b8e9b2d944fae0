/**
 * The memory of output on its way. It lies outside of V8's heap, and V8, left to itself, collects for
 * its sake only once tens of MB of it have come together.
 */

/** Gives a chunk's memory back now: it is empty afterwards. A small one shares memory, and keeps it. */
export const letGo = ({ buffer, byteLength }: Buffer): void => {
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength
  if (isOwn && !buffer.detached) buffer.transfer(0)
}
