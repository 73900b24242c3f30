import { type Point, SAMPLE } from '../../event.js';
import type { Reading } from './readings.js';

/**
 * Increases as samples. Where attributes that tell streams apart are no tags, several streams make one series, and what
 * they bring for one time is added up; of what one stream brings twice the last counts. A sum beyond all doubles is none.
 */
export function addUp(readings: readonly Reading[]): Point[] {
  const places = new Map<string, Map<string, Reading>>();
  for (const reading of readings) {
    const place = `${reading.time} ${reading.series.key}`;
    const streams = places.get(place);
    if (streams === undefined) places.set(place, new Map([[reading.stream, reading]]));
    else streams.set(reading.stream, reading);
  }
  const points: Point[] = [];
  for (const streams of places.values()) {
    let value = 0;
    for (const reading of streams.values()) value += reading.value;
    if (!Number.isFinite(value)) continue;
    for (const { series, time } of streams.values()) {
      points.push({ series, time, value, identity: SAMPLE });
      break;
    }
  }
  return points;
}
