import { END_OF_TIME, MIN_TIME, type Nanoseconds } from '../time.js';
import type { WindowRun } from '../window.js';
import { literal, type Lists } from './rows.js';

/** Longer stretches would overflow a BIGINT when times are subtracted. */
const LONGEST = 1n << 62n;

/** Windows of equal length between two times that a row can have. */
interface Piece {
  readonly from: Nanoseconds;
  readonly until: Nanoseconds;
  readonly length: Nanoseconds;
  /** The index of its first window among all. */
  readonly base: number;
}

/** How SQL finds the window of a row: a part of FROM, the window's index, and the lists that they name. */
export interface WindowSql {
  readonly join: string;
  readonly index: string;
  readonly lists: Lists;
  /** All windows lie from here (included) … */
  readonly from: Nanoseconds;
  /** … to here (excluded). */
  readonly until: Nanoseconds;
}

/**
 * SQL for the windows of some runs, or nothing where none can hold a row.
 *
 * One run is a division. Several are laid on a grid whose cells are 2^k ns wide: a row finds its cell by a shift, which
 * rounds down before 1970 too and never overflows, and among the few pieces of that cell the one it lies in. Over 3 M
 * rows that takes 110 ms for 5 runs and 125 for 4,345, where the division takes 70 and a tree of CASE 70 and 145.
 */
export function windowSql(runs: readonly WindowRun[]): WindowSql | undefined {
  const pieces = piecesOf(runs);
  const [head] = pieces;
  const tail = pieces.at(-1);
  if (head === undefined || tail === undefined) return undefined;
  const range = { from: head.from, until: tail.until };
  if (head === tail) {
    const index = `${literal(head.base)} + (time - ${literal(head.from)}) // ${literal(head.length)}`;
    return { join: '', index, lists: {}, ...range };
  }
  const bits = bitsOfCell(tail.until - head.from, pieces.length);
  const join = `
    JOIN (
      SELECT unnest(range("from" >> ${bits}, ((until - 1) >> ${bits}) + 1)) AS cell, *
      FROM (
        SELECT unnest($from) AS "from", unnest($until) AS until, unnest($length) AS length, unnest($base) AS base
      )
    ) AS piece ON (points.time >> ${bits}) = piece.cell AND points.time >= piece."from" AND points.time < piece.until`;
  const lists = {
    from: pieces.map(({ from }) => from),
    until: pieces.map(({ until }) => until),
    length: pieces.map(({ length }) => length),
    base: pieces.map(({ base }) => base),
  };
  return { join, index: 'piece.base + (time - piece."from") // piece.length', lists, ...range };
}

/** Finds the start of a window by its index among all. */
export function startsOf(runs: readonly WindowRun[]): (index: number) => Nanoseconds {
  const bases: number[] = [];
  let total = 0;
  for (const { count } of runs) {
    bases.push(total);
    total += count;
  }
  return (index) => {
    let low = 0;
    let high = bases.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((bases[middle] ?? 0) <= index) low = middle;
      else high = middle - 1;
    }
    const run = runs[low];
    if (run === undefined) throw new RangeError(`There is no window ${String(index)}.`);
    return run.start + BigInt(index - (bases[low] ?? 0)) * run.length;
  };
}

/** Four cells for each piece, or 4,096: the grid costs as much as it has cells, and a cell as it has pieces. */
function bitsOfCell(span: Nanoseconds, pieces: number): string {
  const cells = BigInt(Math.max(4096, pieces * 4));
  let bits = 0n;
  while (span >> bits > cells) bits++;
  return bits.toString();
}

function piecesOf(runs: readonly WindowRun[]): Piece[] {
  const pieces: Piece[] = [];
  let base = 0;
  for (const { start, length, count } of runs) {
    const windowsAtOnce = Number(LONGEST / length);
    // The first window of a year in which time begins starts before any row can.
    for (let done = 0; done < count;) {
      const from = start + BigInt(done) * length;
      const taken = from < MIN_TIME ? 1 : Math.max(1, Math.min(count - done, windowsAtOnce));
      pieces.push(...within({ from, until: from + BigInt(taken) * length, length, base: base + done }));
      done += taken;
    }
    base += count;
  }
  return pieces;
}

/** The part of a piece that rows can lie in; that of one long window in stretches. */
function* within(piece: Piece): Generator<Piece> {
  const from = piece.from < MIN_TIME ? MIN_TIME : piece.from;
  const until = piece.until > END_OF_TIME ? END_OF_TIME : piece.until;
  if (piece.length <= LONGEST) {
    if (from < until) yield { ...piece, from, until };
    return;
  }
  for (let start = from; start < until; start += LONGEST) {
    const end = start + LONGEST;
    yield { from: start, until: end < until ? end : until, length: LONGEST, base: piece.base };
  }
}
