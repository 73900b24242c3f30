import type { Stretch } from './intervals.js';
import { Page } from './page.js';

/**
 * The lengths of pages in milliseconds: a millisecond, a second, a minute, an hour, a day, a hundred days. Each is a
 * multiple of the one before, so that two pages are either apart or one lies within the other; and nanoseconds of the
 * longest still fit into a double.
 */
export const PAGE_LENGTHS = [1, 1000, 60_000, 3_600_000, 86_400_000, 8_640_000_000] as const;
export const SECOND_LEVEL = 1;
export const DAY_LEVEL = 4;
export const LONGEST_LEVEL = 5;

/** Tells pages of all lengths apart: the number of its length since 1970, and which length that is. */
export function pageKey(level: number, milliseconds: number): number {
  return numberAt(level, milliseconds) * 8 + level;
}

export function levelOf({ start, end }: Stretch): number {
  return PAGE_LENGTHS.findIndex((length) => length === end - start);
}

/** How many pages of a length have ended since 1970 at a time. */
export function numberAt(level: number, milliseconds: number): number {
  return Math.floor(milliseconds / (PAGE_LENGTHS[level] ?? 1));
}

/** From where to where the page of a length reaches, around a time. */
export function stretchOf(level: number, milliseconds: number): Stretch {
  const length = PAGE_LENGTHS[level] ?? 1;
  const start = numberAt(level, milliseconds) * length;
  return { start, end: start + length };
}

/** An empty page of a length, around a time. */
export function pageOf(level: number, milliseconds: number): Page {
  const { start, end } = stretchOf(level, milliseconds);
  return new Page(start, end);
}
