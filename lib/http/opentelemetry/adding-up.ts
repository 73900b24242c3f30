import { type Point, SAMPLE } from '../../event.js';
import type { Reading } from './readings.js';

/** What comes to one series in one millisecond: a single reading, or those of several streams by their ids. */
type Place = Reading | Map<string, Reading>;

/**
 * Increases as samples. Where attributes that tell streams apart are no tags, several streams make one series, in which
 * each has its nanosecond; what two of them bring for one all the same is added up. Of what one stream brings twice the
 * last counts. A sum beyond all doubles is none.
 */
export function addUp(readings: readonly Reading[]): Point[] {
  const times = new Map<bigint, Map<string, Place>>();
  for (const reading of readings) {
    let places = times.get(reading.time);
    if (places === undefined) {
      places = new Map();
      times.set(reading.time, places);
    }
    const { key } = reading.stream.series;
    const place = places.get(key);
    if (place === undefined) places.set(key, reading);
    else if (place instanceof Map) place.set(reading.stream.id, reading);
    else places.set(key, new Map([place, reading].map((one) => [one.stream.id, one])));
  }
  const points = [...times.values()].flatMap((places) => [...places.values()].flatMap(pointsOf));
  return points.filter(({ value }) => Number.isFinite(value));
}

function pointsOf(place: Place): Point | Point[] {
  if (!(place instanceof Map)) return pointOf(place, place.value);
  const points = new Map<bigint, Point>();
  for (const reading of place.values()) {
    const { nanosecond } = reading.stream;
    points.set(nanosecond, pointOf(reading, reading.value + (points.get(nanosecond)?.value ?? 0)));
  }
  return [...points.values()];
}

function pointOf({ stream, time }: Reading, value: number): Point {
  return { series: stream.series, time: time + stream.nanosecond, value: value === 0 ? 0 : value, identity: SAMPLE };
}
