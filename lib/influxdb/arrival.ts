import type { Point } from '../event.js';
import { MILLISECOND, toMilliseconds } from '../time.js';
import { lineOf } from './line-protocol.js';
import type { Occupancy, SeriesTimes } from './occupancy.js';

/** A point and where it belongs. */
export interface Arrival {
  readonly point: Point;
  readonly times: SeriesTimes;
  /** Since 1970, rounded down. */
  readonly milliseconds: number;
  /** Within the millisecond. */
  readonly nanoseconds: number;
}

export function arrivalOf(occupancy: Occupancy, point: Point): Arrival {
  const milliseconds = toMilliseconds(point.time);
  return {
    point,
    times: occupancy.timesOf(point.series),
    milliseconds,
    nanoseconds: Number(point.time - BigInt(milliseconds) * MILLISECOND),
  };
}

/** Its line, at a nanosecond of its millisecond. */
export function lineAt({ point, times, milliseconds }: Arrival, nanoseconds: number): string {
  const { value, identity } = point;
  return lineOf(
    times.prefix,
    value,
    identity.kind === 'id' ? identity.fingerprint : undefined,
    milliseconds,
    nanoseconds,
  );
}

/** Equal for arrivals that are one event with an id; nothing for others. */
export function identityKey({ point, times }: Arrival): string | undefined {
  const { identity } = point;
  return identity.kind === 'id' ? `${String(identity.fingerprint)} ${times.series.key}` : undefined;
}
