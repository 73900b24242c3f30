import type { Point } from '../event.js';
import { lineOf } from './line-protocol.js';
import { type Moment, momentOf } from './moments.js';
import type { Occupancy, SeriesTimes } from './occupancy.js';

/** A point and where it belongs. */
export interface Arrival {
  readonly point: Point;
  readonly times: SeriesTimes;
  /** The point's time. */
  readonly moment: Moment;
  /** Whether InfluxDB keeps nothing of its time. */
  readonly tooOld: boolean;
}

/** @param horizon - see `Bucket.horizon` */
export function arrivalOf(occupancy: Occupancy, point: Point, horizon = -Infinity): Arrival {
  const moment = momentOf(point.time);
  return { point, times: occupancy.timesOf(point.series), moment, tooOld: moment.milliseconds < horizon };
}

/** Its line, at a nanosecond of its millisecond. */
export function lineAt({ point, times, moment }: Arrival, nanoseconds: number): string {
  const { value, identity } = point;
  const fingerprint = identity.kind === 'id' ? identity.fingerprint : undefined;
  return lineOf(times.prefix, value, fingerprint, moment.milliseconds, nanoseconds);
}

/** Equal for arrivals that are one event with an id; nothing for others. */
export function identityKey({ point, times }: Arrival): string | undefined {
  const { identity } = point;
  return identity.kind === 'id' ? `${String(identity.fingerprint)} ${times.series.key}` : undefined;
}
