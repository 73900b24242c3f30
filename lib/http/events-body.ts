import { isUtf8 } from 'node:buffer';
import { TrackingError } from '../errors.js';
import { MAX_EVENTS_PER_REQUEST, type Reception, readEvents } from '../event.js';
import type { Point } from '../event.js';
import { MAX_BRACKETS, refuseExcess } from './json-limits.js';
import { explainJson } from './json-mistake.js';

const BYTE_ORDER_MARK = '\uFEFF';

/** Reads one event, or an array of them, from JSON. @throws TrackingError as `readEvents`, and where it is no JSON */
export function readJsonEvents(body: Buffer, reception: Reception): Point[] {
  const parsed = readJson(body);
  if (typeof parsed !== 'object' || parsed === null) {
    throw new TrackingError('invalid', 'The body must be an event (a JSON object) or an array of events.');
  }
  return readEvents(Array.isArray(parsed) ? (parsed as unknown[]) : [parsed], reception);
}

/**
 * Parses a JSON body.
 * @param maxBrackets - how many objects and arrays it may hold
 * @throws TrackingError `invalid` where it is none, or holds more, or more values or keys than any request needs
 */
export function readJson(body: Buffer, maxBrackets = MAX_BRACKETS): unknown {
  refuseExcess(body, 'text', maxBrackets);
  const text = decodeText(body);
  try {
    return JSON.parse(text);
  } catch {
    throw new TrackingError('invalid', `The body is not JSON: ${explainJson(text)}.`);
  }
}

/** Reads one event a line; blank lines do not count. @throws TrackingError as `readEvents`, broken lines among the rest */
export function readLineEvents(body: Buffer, reception: Reception): Point[] {
  refuseExcess(body, 'lines');
  const lines = linesOf(decodeText(body));
  if (lines.length > MAX_EVENTS_PER_REQUEST) return readEvents(lines, reception);
  const broken = new Map<number, string>();
  const events = lines.map(({ text, number }, index): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      broken.set(index, `line ${number} is not JSON: ${explainJson(text).replace(/^line 1, /, '')}`);
      return null; // which is no event, so that it is counted among the mistakes
    }
  });
  try {
    return readEvents(events, reception);
  } catch (error) {
    if (broken.size === 0 || !(error instanceof TrackingError)) throw error;
    const { code, message, mistakeCount } = error;
    const mistakes = error.mistakes.map((mistake) => {
      const words = broken.get(mistake.index ?? -1);
      return words === undefined ? mistake : { ...mistake, message: words };
    });
    throw new TrackingError(code, message, { mistakes, mistakeCount });
  }
}

/** The lines that are not blank, and no more of them than show that there are too many. */
function linesOf(text: string): { readonly text: string; readonly number: number }[] {
  const lines: { text: string; number: number }[] = [];
  let number = 1;
  for (let start = 0; start < text.length && lines.length <= MAX_EVENTS_PER_REQUEST; number++) {
    const end = text.indexOf('\n', start);
    const line = text.slice(start, end < 0 ? undefined : end);
    if (NOT_BLANK.test(line)) lines.push({ text: line, number });
    start = end < 0 ? text.length : end + 1;
  }
  return lines;
}

const NOT_BLANK = /\S/;

function decodeText(body: Buffer): string {
  if (!isUtf8(body)) throw new TrackingError('invalid', 'The body is not valid UTF-8.');
  const text = body.toString('utf8');
  if (text.trim() === '') throw new TrackingError('invalid', 'The body is empty. Send an event.');
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}
