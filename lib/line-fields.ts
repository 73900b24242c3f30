import { MAX_NAMES_BYTES, refuseTooManyFields } from './line-limits.js';
import { badLine, quoted, SHAPE } from './line-mistake.js';
import { refuseLongNames } from './line-series.js';
import { skipBlanks } from './line-syntax.js';
import { booleanOf, numberOf } from './line-values.js';

const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;

const ESCAPED_IN_KEYS = /\\([," =])/g;
const NUMBER_START = /^[-.\dNn]/;

/** A field's key without its escapes. */
export function unescapeFieldKey(key: string): string {
  return key.includes('\\') ? key.replace(ESCAPED_IN_KEYS, '$1') : key;
}

/**
 * Reads the fields that stand behind the space that ends the series.
 * @param take - told of each key as it is written, with its escapes, and of the value: booleans are 1 and 0, and a string
 *   has none
 * @returns where they end
 * @throws TrackingError `invalid`, or `too-large` where there are more than a request may have
 */
export function readFields(
  line: string,
  space: number,
  take: (key: string, value: number | undefined) => void,
): number {
  const start = skipBlanks(line, space);
  const end = endOfFields(line, start);
  // Where all of it is short, the names are: no character takes more than three bytes a unit.
  const seriesBytes = 3 * end + 4 <= MAX_NAMES_BYTES ? 0 : Buffer.byteLength(line.slice(0, space));
  let count = 0;
  for (let at = start; at < end;) {
    const equals = unescapedEquals(line, at, end);
    const key = line.slice(at, equals);
    if (equals > end - 2) throw badLine(`has a field ${quoted(key)} without a value`);
    at = endOfValue(line, equals + 1, end);
    if (seriesBytes > 0) refuseLongNames(seriesBytes, key);
    take(key, valueOf(line.slice(equals + 1, at), key));
    refuseTooManyFields(++count);
    at++;
  }
  return end;
}

/** Looks at all fields as a whole: here a backslash takes any character with it. */
function endOfFields(line: string, start: number): number {
  let quotedText = false;
  let equals = 0;
  let commas = 0;
  let at = start;
  while (at < line.length) {
    const code = line.charCodeAt(at);
    if (code === BACKSLASH && at + 1 < line.length) at += 2;
    else if (code === QUOTE && equals > commas) {
      quotedText = !quotedText;
      at++;
    } else if (quotedText) at++;
    else if (code === SPACE) break;
    else if (code === EQUALS) {
      equals++;
      at = endOfToken(line, at, start);
    } else {
      if (code === COMMA) commas++;
      at++;
    }
  }
  if (quotedText) throw badLine('has a string that does not end: a quote is missing');
  if (equals === 0 && at <= start) throw badLine(`has no fields: ${SHAPE}`);
  if (equals === 0 || commas !== equals - 1)
    throw badLine('has fields that are not FIELD=VALUE with commas between them');
  return Math.min(at, line.length);
}

/** Checks a value that is no string, and gives where it ends; of a string, where its quote stands. */
function endOfToken(line: string, equals: number, start: number): number {
  const before = line[equals - 1];
  if ((before === ' ' || before === ',') && line[equals - 2] !== '\\') {
    throw badLine('has a field without a key: FIELD=VALUE');
  }
  const key = line.slice(Math.max(start, line.lastIndexOf(',', equals) + 1), equals);
  const next = line[equals + 1];
  if (next === undefined || next === ',' || next === ' ') throw badLine(`has a field ${quoted(key)} without a value`);
  if (next === '"') return equals + 1;
  let end = equals + 1;
  while (end < line.length && line.charCodeAt(end) !== COMMA && line.charCodeAt(end) !== SPACE) end++;
  valueOf(line.slice(equals + 1, end), key);
  return end;
}

function unescapedEquals(line: string, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if (line.charCodeAt(at) === EQUALS && (at === start || line.charCodeAt(at - 1) !== BACKSLASH)) return at;
  }
  return end;
}

/** Here a backslash escapes a quote or a backslash and nothing else. */
function endOfValue(line: string, start: number, end: number): number {
  let quotedText = false;
  let at = start;
  for (; at < end; at++) {
    const code = line.charCodeAt(at);
    const next = at + 1 < end ? line.charCodeAt(at + 1) : 0;
    if (code === BACKSLASH && (next === QUOTE || next === BACKSLASH)) at++;
    else if (code === QUOTE) quotedText = !quotedText;
    else if (code === COMMA && !quotedText) break;
  }
  return Math.min(at, end);
}

function valueOf(text: string, key: string): number | undefined {
  // InfluxDB takes a string that is one quote, which escapes can make, and its process ends at it.
  if (text.startsWith('"') && text !== '"') return undefined;
  const value = NUMBER_START.test(text) ? numberOf(text) : booleanOf(text);
  if (value !== undefined) return value;
  throw badLine(
    `has a field ${quoted(key)} with the value ${quoted(text)}, which is none: a number such as 0.5, 5i or 5u, true or false, or a "string"`,
  );
}
