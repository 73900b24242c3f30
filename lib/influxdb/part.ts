import type { Point } from '../event.js';
import { allDone } from './all-done.js';
import { type Arrival, arrivalOf } from './arrival.js';
import type { Learning } from './learning.js';
import { isUnknown, Missing, type MissingPage } from './missing.js';
import type { Occupancy } from './occupancy.js';

/** What learns what is unknown. */
export type Learner = Pick<Learning, 'learn' | 'narrow'>;

/** Pages that a part of a write may wait for, so that one which needs many is written bit by bit. */
const MAX_PAGES_IN_PART = 64;

/** So many may come in beyond the bound of memory, as they were asked for within it. */
const PAGES_AT_ONCE = 4;

/**
 * The next points of a write, at least one: as many as can be placed with what is known, or learned within the memory.
 * @param from - the first of them
 * @param horizon - see `Bucket.horizon`
 */
export async function nextPart(
  learning: Learner,
  occupancy: Occupancy,
  points: readonly Point[],
  from: number,
  horizon: number,
): Promise<readonly Arrival[]> {
  const part: Arrival[] = [];
  const missing = new Missing();
  for (let index = from; index < points.length && missing.pages.length < MAX_PAGES_IN_PART; index++) {
    const point = points[index];
    if (point === undefined) break;
    const arrival = arrivalOf(occupancy, point, horizon);
    part.push(arrival);
    missing.addIfUnknown(occupancy, arrival);
  }
  if (missing.pages.length === 0) return part;
  await learnAll(learning, occupancy, part);
  const known = part.findIndex((arrival) => isUnknown(occupancy, arrival));
  return known < 0 ? part : part.slice(0, known);
}

/** Learns what is unknown of a part, or of its first points where there is no room for more. */
async function learnAll(learning: Learner, occupancy: Occupancy, part: readonly Arrival[]): Promise<void> {
  for (;;) {
    const missing = new Missing();
    for (const arrival of part) {
      const { times, moment } = arrival;
      if (!missing.addIfUnknown(occupancy, arrival)) occupancy.need(times, moment.milliseconds);
    }
    if (missing.pages.length === 0) return;
    const wide = missing.notNarrowed();
    if (wide.length > 0) {
      await allDone(wide.map((several) => learning.narrow(several)));
      continue;
    }
    await learnPages(learning, occupancy, missing.pages);
    if (occupancy.isFull) return;
  }
}

/** Learns pages in their order until there is no room for more, the first in any case. */
async function learnPages(learning: Learner, occupancy: Occupancy, pages: readonly MissingPage[]): Promise<void> {
  const line = pages.entries();
  const learnOn = async (): Promise<void> => {
    for (const [index, page] of line) {
      if (index > 0 && occupancy.isFull) return;
      await learning.learn(occupancy, page);
    }
  };
  await allDone(Array.from({ length: PAGES_AT_ONCE }, learnOn));
}
