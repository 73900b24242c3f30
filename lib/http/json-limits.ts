import { randomInt } from 'node:crypto';
import { TrackingError } from '../errors.js';
import { MAX_EVENTS_PER_REQUEST } from '../event.js';

/** Objects and arrays in one body: many times those of as many events as a request may carry. */
export const MAX_BRACKETS = 10 * MAX_EVENTS_PER_REQUEST;

/** How deep they may be in each other. */
const MAX_DEPTH = 1000;

/** Values in one body: more than as many events as a request may carry have, with all their tags. */
const MAX_VALUES = 50 * MAX_EVENTS_PER_REQUEST;

/** Keys in one object, and in one body that differ: objects of the same few keys are small, others large and slow. */
const MAX_MEMBERS = 5000;
export const MAX_KEYS = 20_000;

/** Less holds nothing in such numbers that it matters. */
const LEAST_BYTES = 20_000;

const [QUOTE, BACKSLASH, NEWLINE, COMMA, COLON] = Buffer.from('"\\\n,:');
const [ARRAY, OBJECT, ARRAY_END, OBJECT_END] = Buffer.from('[{]}');

/**
 * Refuses JSON, or lines of JSON, that would take seconds and a hundred times its size to parse: a few kilobytes of gzip
 * can hold millions of objects, values or keys.
 * @param form - whether it is one text, or one a line
 * @throws TrackingError `invalid`
 */
export function refuseExcess(body: Buffer, form: 'text' | 'lines', maxBrackets = MAX_BRACKETS): void {
  if (body.length < LEAST_BYTES) return;
  let brackets = 0;
  let depth = 0;
  let values = 0;
  let keys = 0;
  const members = new Int32Array(MAX_DEPTH + 1); // of the objects that are open
  let quoted = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    // No string goes on over a line, also where a line before it is broken.
    if (byte === NEWLINE) {
      quoted = false;
      if (form === 'lines') depth = 0;
    } else if (byte === QUOTE) quoted = !quoted;
    else if (quoted) {
      if (byte === BACKSLASH) at++;
    } else if (byte === COLON) {
      keys++;
      const own = (members[depth] ?? 0) + 1;
      if (own > MAX_MEMBERS) throw excess(`${MAX_MEMBERS} keys in one object. ${VALUES}`);
      members[depth] = own;
    } else if (byte === COMMA) {
      if (++values > MAX_VALUES) throw excess(`${MAX_VALUES} values. ${SEVERAL}`);
    } else if (byte === ARRAY || byte === OBJECT) {
      if (++depth > MAX_DEPTH) throw excess(`${MAX_DEPTH} objects and arrays inside each other.`);
      members[depth] = 0;
      if (++brackets > maxBrackets) throw excess(`${maxBrackets} objects and arrays. ${SEVERAL}`);
    } else if ((byte === ARRAY_END || byte === OBJECT_END) && depth > 0) depth--;
  }
  if (keys > MAX_KEYS) refuseDifferentKeys(body);
}

/** Makes it hard to find keys that look the same. */
const FACTOR = 2 * randomInt(2 ** 30) + 1;

function refuseDifferentKeys(body: Buffer): void {
  const keys = new Set<number>();
  let hash = 0; // of the string that was read last
  let quoted = false;
  for (let at = 0; at < body.length; at++) {
    const byte = body[at] ?? 0;
    if (byte === NEWLINE) quoted = false;
    else if (byte === QUOTE) {
      if (!quoted) hash = 0;
      quoted = !quoted;
    } else if (quoted) {
      hash = (Math.imul(hash, FACTOR) + byte) | 0;
      if (byte === BACKSLASH) hash = (Math.imul(hash, FACTOR) + (body[++at] ?? 0)) | 0;
    } else if (byte === COLON && keys.add(hash).size > MAX_KEYS) {
      throw excess(`${MAX_KEYS} different keys. ${VALUES}`);
    }
  }
}

const VALUES = 'What differs from event to event belongs into values.';
const SEVERAL = `Send at most ${MAX_EVENTS_PER_REQUEST} events in a request.`;

function excess(what: string): TrackingError {
  return new TrackingError('invalid', `The body holds more than ${what}`);
}
