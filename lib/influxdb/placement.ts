import { MILLISECOND } from '../time.js';
import type { Arrival } from './arrival.js';
import type { Occupancy } from './occupancy.js';
import { MILLISECOND_CAPACITY, type Page } from './page.js';

/** In place of a nanosecond: the event is there already. */
export const THERE = -1;
/** In place of a nanosecond: its millisecond is full. */
export const FULL = -2;
/** In place of a nanosecond: InfluxDB keeps nothing of its time. */
export const TOO_OLD = -3;

/** Where each arrival goes: its nanosecond within its millisecond, `THERE`, `FULL` or `TOO_OLD`. */
export interface Placement {
  readonly nanoseconds: readonly number[];
  readonly used: ReadonlySet<Page>;
}

/** Gives each arrival a nanosecond of its own, which is taken from then on. All pages around them must be known. */
export function place(occupancy: Occupancy, part: readonly Arrival[]): Placement {
  const used = new Set<Page>();
  const nanoseconds = part.map((arrival) => {
    if (arrival.tooOld) return TOO_OLD;
    const page = pageFor(occupancy, arrival);
    if (page) used.add(page);
    return page ? placeIn(page, arrival) : arrival.moment.nanoseconds;
  });
  return { nanoseconds, used };
}

/** Notes where arrivals were placed before. What has no page there is unknown, and is asked for when it matters. */
export function placeAgain(occupancy: Occupancy, part: readonly Arrival[], nanoseconds: readonly number[]): Placement {
  const used = new Set<Page>();
  part.forEach((arrival, index) => {
    const { identity } = arrival.point;
    const { milliseconds } = arrival.moment;
    const nanosecond = nanoseconds[index] ?? THERE;
    if (nanosecond < 0) return;
    const page = pageFor(occupancy, arrival);
    if (page === undefined) {
      // Perhaps only another part of its second was.
      arrival.times.unknown.add(milliseconds, milliseconds + 1);
      return;
    }
    used.add(page);
    page.take((milliseconds - page.start) * MILLISECOND_CAPACITY + nanosecond);
    if (identity.kind === 'id') page.remember(identity.fingerprint);
  });
  return { nanoseconds, used };
}

function pageFor(occupancy: Occupancy, { point, times, moment }: Arrival): Page | undefined {
  return point.identity.kind === 'sample'
    ? occupancy.pageOfSample(times, moment.milliseconds)
    : occupancy.pageAt(times, moment.milliseconds);
}

/**
 * An event with an id starts from the id's hash, so that two processes that receive it at once tend to agree; one that
 * comes out of a store, from where it was there.
 */
function placeIn(page: Page, { point: { identity }, moment: { milliseconds, nanoseconds } }: Arrival): number {
  const millisecond = (milliseconds - page.start) * MILLISECOND_CAPACITY;
  if (identity.kind === 'sample') {
    page.take(millisecond + nanoseconds);
    return nanoseconds;
  }
  if (identity.kind === 'id' && page.knows(identity.fingerprint)) return THERE;
  const hashed = identity.kind === 'id' && identity.placed !== true;
  const time = page.place(millisecond + (hashed ? firstChoice(identity.fingerprint) : nanoseconds), millisecond);
  if (time < 0) return FULL;
  if (identity.kind === 'id') page.remember(identity.fingerprint);
  return time - millisecond;
}

function firstChoice(fingerprint: bigint): number {
  return Number(BigInt.asUintN(64, fingerprint) % MILLISECOND);
}
