import type { Range } from './flux.js';

// A day; from there four questions reach from one end of time to the other.
const FIRST_LENGTH = 86_400_000_000_000n;
const GROWTH = 64n;

/**
 * Slices of a range that hold about as many points as are wanted, in order, their lengths found by counting; those
 * without any are left out.
 */
export async function* slicesOf(
  { start, end }: Range,
  enough: number,
  countIn: (slice: Range) => Promise<number>,
): AsyncGenerator<Range, void, undefined> {
  let length = FIRST_LENGTH;
  let shrunk = false;
  for (let at = start; at < end;) {
    const slice: Range = { start: at, end: at + length < end ? at + length : end };
    const count = await countIn(slice);
    if (count > enough && length > 1n) {
      // To a size that fits if the points lie evenly, and to half of it as they may not.
      length = atLeastOne(((slice.end - slice.start) * BigInt(enough)) / BigInt(2 * count));
      shrunk = true;
      continue;
    }
    const few = count < enough / 4;
    if (few) length *= GROWTH;
    if (few && count > 0 && !shrunk && slice.end < end) continue;
    if (count > 0) yield slice;
    at = slice.end;
    shrunk = false;
  }
}

function atLeastOne(length: bigint): bigint {
  return length > 0n ? length : 1n;
}
