import { type Point, SAMPLE } from '../../event.js';
import type { Reading } from './readings.js';

/** What comes to one series at one time: a single reading, or those of several streams by their ids. */
type Place = Reading | Map<string, Reading>;

/**
 * Increases as samples. Where attributes that tell streams apart are no tags, several streams make one series, and what
 * they bring for one time is added up; of what one stream brings twice the last counts. A sum beyond all doubles is none.
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
  const points = [...times.values()].flatMap((places) => Array.from(places.values(), pointOf));
  return points.filter(({ value }) => Number.isFinite(value));
}

function pointOf(place: Place): Point {
  const { stream, time, value } = place instanceof Map ? [...place.values()].reduce(sumOf) : place;
  return { series: stream.series, time, value: value === 0 ? 0 : value, identity: SAMPLE };
}

function sumOf(one: Reading, other: Reading): Reading {
  return { ...other, value: one.value + other.value };
}
