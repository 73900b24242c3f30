import { Point as InfluxPoint } from '@influxdata/influxdb-client';
import type { Series } from '../event.js';
import { MILLISECOND } from '../time.js';
import { measurementOf, tagKeyOf, tagTextOf } from './names.js';

const NO_VALUE = ' value=0';

let knownMilliseconds = 0;
let knownNanoseconds = 0;
let knownTimestamp = '0';

/** Measurement and tags of a series in line protocol. */
export function seriesPrefix(series: Series): string {
  const point = new InfluxPoint(measurementOf(series.namespace)).tag('name', tagTextOf(series.name));
  for (const [key, value] of Object.entries(series.tags)) point.tag(tagKeyOf(key), tagTextOf(value));
  // A point without a field is no line, and an empty timestamp is left out.
  const line = point.floatField('value', 0).timestamp('').toLineProtocol() ?? '';
  return line.slice(0, -NO_VALUE.length);
}

/** What all lines of a series begin with, up to the value. */
export function linePrefix(series: Series): string {
  return `${seriesPrefix(series)} value=`;
}

/**
 * One line: the float field `value`, and for an event with an id its fingerprint in the integer field `id`.
 * Written by hand, for `Point` takes several times as long and reads integers through a float.
 * @param prefix - see `linePrefix`
 * @param milliseconds - since 1970, rounded down
 * @param nanoseconds - within the millisecond
 */
export function lineOf(
  prefix: string,
  value: number,
  fingerprint: bigint | undefined,
  milliseconds: number,
  nanoseconds: number,
): string {
  const time = timestampOf(milliseconds, nanoseconds);
  return fingerprint === undefined
    ? `${prefix}${value} ${time}`
    : `${prefix}${value},id=${String(fingerprint)}i ${time}`;
}

/** What was taken together has one timestamp, which is written once. */
function timestampOf(milliseconds: number, nanoseconds: number): string {
  if (milliseconds !== knownMilliseconds || nanoseconds !== knownNanoseconds) {
    knownMilliseconds = milliseconds;
    knownNanoseconds = nanoseconds;
    knownTimestamp =
      milliseconds > 0
        ? String(milliseconds) + String(1_000_000 + nanoseconds).slice(1)
        : String(BigInt(milliseconds) * MILLISECOND + BigInt(nanoseconds));
  }
  return knownTimestamp;
}
