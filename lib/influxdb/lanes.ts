import type { Arrival } from './arrival.js';

/** So many lines are worth a request of their own. */
const LINES_IN_LANE = 4000;
const MAX_LANES = 3;

/**
 * Divides what has a place into lanes, which may be sent side by side: two events have two places, so that it does not
 * matter which arrives first. Of two samples of one time the last counts, so what is of one series stays in one lane,
 * in its order.
 * @param nanoseconds - of each arrival; negative where nothing is to be sent
 * @returns indexes
 */
export function lanesOf(part: readonly Arrival[], nanoseconds: readonly number[]): readonly (readonly number[])[] {
  const count = Math.min(MAX_LANES, Math.ceil(part.length / LINES_IN_LANE));
  const lanes = Array.from({ length: count }, (): number[] => []);
  for (const [index, { times }] of part.entries()) {
    if ((nanoseconds[index] ?? -1) >= 0) lanes[times.number % count]?.push(index);
  }
  return lanes.filter((lane) => lane.length > 0);
}
