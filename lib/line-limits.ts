import { TrackingError } from './errors.js';
import { MAX_EVENTS_PER_REQUEST } from './event.js';

/** Points that the lines of one request may become: ten fields a line. */
export const MAX_POINTS_PER_REQUEST = 10 * MAX_EVENTS_PER_REQUEST;

/** Bytes that the names of a line may take together, as InfluxDB has it. */
export const MAX_NAMES_BYTES = 65_535;

/** @throws TrackingError `too-large` where a request has more lines than it may */
export function refuseTooManyLines(lines: number): void {
  if (lines > MAX_EVENTS_PER_REQUEST) throw tooLarge(`${MAX_EVENTS_PER_REQUEST} lines`);
}

/** @throws TrackingError `too-large` where a request, or a line of it, has more fields than it may */
export function refuseTooManyFields(fields: number): void {
  if (fields > MAX_POINTS_PER_REQUEST) throw tooLarge(`${MAX_POINTS_PER_REQUEST} values`);
}

/** Characters of the series that one request may make: tags stand once in a line and count for each of its fields. */
export const MAX_SERIES_CHARACTERS = 64 * 2 ** 20;

/** @throws TrackingError `too-large` where a small request would become very much */
export function refuseLongSeries(characters: number): void {
  if (characters > MAX_SERIES_CHARACTERS) {
    throw tooLarge(`${MAX_SERIES_CHARACTERS} characters of series, each with all its tags`);
  }
}

function tooLarge(limit: string): TrackingError {
  return new TrackingError('too-large', `A request may carry at most ${limit}. Send them in several.`);
}
