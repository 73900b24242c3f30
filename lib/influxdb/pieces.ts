import type { Range } from './flux.js';
import { type Piece, remainder } from './windows.js';

const FEW_PIECES = 50;
const PIECES_PER_LOOK = 10;
// In Flux, dividing takes longer for each point the more windows there are: 3 M points by hour, all 8,760 at once 4.5 s,
// 500 at a time 0.65.
const WINDOWS_PER_DIVISION = 500;

/**
 * Leaves out stretches without points where there are many pieces: 600 years of months are 7,000, and most of them are
 * empty.
 */
export async function occupiedPieces(
  pieces: readonly Piece[],
  firstTime: (range: Range) => Promise<bigint | undefined>,
): Promise<readonly Piece[]> {
  if (pieces.length <= FEW_PIECES) return pieces;
  const end = pieces.at(-1)?.range.end ?? 0n;
  const occupied: Piece[] = [];
  for (let index = 0; index < pieces.length;) {
    const first = await firstTime({ start: pieces[index]?.range.start ?? end, end });
    if (first === undefined) break;
    while (index < pieces.length && (pieces[index]?.range.end ?? end) <= first) index++;
    occupied.push(...pieces.slice(index, index + PIECES_PER_LOOK));
    index += PIECES_PER_LOOK;
  }
  return occupied;
}

/** The same windows in divisions of a few hundred. */
export function inShortDivisions(pieces: readonly Piece[]): Piece[] {
  return pieces.flatMap((piece) => {
    const { range, division } = piece;
    if (!division) return [piece];
    const length = division.every * BigInt(WINDOWS_PER_DIVISION);
    const shorter: Piece[] = [];
    // Cut where windows begin: the range itself may begin inside one.
    let start = range.start;
    while (start < range.end) {
      const end = start + length - remainder(start - division.offset, division.every);
      shorter.push({ range: { start, end: end < range.end ? end : range.end }, division });
      start = end;
    }
    return shorter;
  });
}
