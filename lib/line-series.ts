import type { TrackingError } from './errors.js';
import { MAX_NAMES_BYTES } from './line-limits.js';
import { badLine, quoted, SHAPE } from './line-mistake.js';

export interface SeriesText {
  readonly measurement: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
}

const SPACE = 32;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;

const RESERVED_TAGS = new Set(['\0', '_field', '_measurement', 'time']);
const ESCAPED_IN_TAGS = /\\([, =])/g;
const ESCAPED_IN_MEASUREMENTS = /\\([," =])/g;

/**
 * Reads the measurement and the tags that a line begins with.
 * @throws TrackingError `invalid`
 */
export function readSeries(line: string): SeriesText {
  if (line.startsWith(',')) throw badLine('has no measurement before its first comma');
  let at = endOfText(line, 0, COMMA);
  // Of millions of characters nothing is made that is then thrown away.
  if (at > MAX_NAMES_BYTES) throw longNames();
  const measurement = line.slice(0, at).replace(ESCAPED_IN_MEASUREMENTS, '$1');
  const tags: [string, string][] = [];
  const keys = new Set<string>();
  while (line.charCodeAt(at) === COMMA) {
    const equals = endOfTagKey(line, at + 1);
    const key = line.slice(at + 1, equals);
    if (RESERVED_TAGS.has(key)) throw badLine(`has a tag ${quoted(key)}, a name that InfluxDB keeps for itself`);
    if (keys.has(key)) throw badLine(`has two tags ${quoted(key)}`);
    keys.add(key);
    at = endOfTagValue(line, equals + 1, key);
    if (at > MAX_NAMES_BYTES) throw longNames();
    tags.push([unescapeTag(key), unescapeTag(line.slice(equals + 1, at))]);
  }
  if (at >= line.length) throw badLine(`has no fields: ${SHAPE}`);
  refuseLongNames(Buffer.byteLength(line.slice(0, at)));
  return { measurement, tags };
}

/** Where an unescaped space or stop stands, behind the first character, which may be anything. */
function endOfText(line: string, start: number, stop: number): number {
  let at = start + 1;
  for (; at < line.length; at++) {
    if (line.charCodeAt(at - 1) === BACKSLASH) continue;
    const code = line.charCodeAt(at);
    if (code === stop || code === SPACE) break;
  }
  return Math.min(at, line.length);
}

function endOfTagKey(line: string, start: number): number {
  const first = line.charCodeAt(start);
  if (start >= line.length || first === SPACE || first === COMMA || first === EQUALS) {
    throw badLine(
      'has a tag without a key: a comma before the fields is followed by TAG=VALUE, and one in a name is \\,',
    );
  }
  for (let at = start + 1; at < line.length; at++) {
    if (line.charCodeAt(at - 1) === BACKSLASH) continue;
    const code = line.charCodeAt(at);
    if (code === EQUALS) return at;
    if (code === SPACE || code === COMMA) break;
  }
  throw badLine(`has a tag ${quoted(line.slice(start, endOfText(line, start, COMMA)))} without a value: TAG=VALUE`);
}

function endOfTagValue(line: string, start: number, key: string): number {
  const first = line.charCodeAt(start);
  if (start >= line.length || first === SPACE || first === COMMA) {
    throw badLine(`has a tag ${quoted(key)} without a value: leave such a tag out`);
  }
  for (let at = start + 1; at < line.length; at++) {
    if (line.charCodeAt(at - 1) === BACKSLASH) continue;
    const code = line.charCodeAt(at);
    if (code === COMMA || code === SPACE) return at;
    if (code === EQUALS) throw badLine(`has an equals sign in the value of the tag ${quoted(key)}: write it \\=`);
  }
  return line.length;
}

function unescapeTag(text: string): string {
  return text.includes('\\') ? text.replace(ESCAPED_IN_TAGS, '$1') : text;
}

/**
 * @param seriesBytes - of the measurement and tags, as they are written
 * @throws TrackingError `invalid` where they and the key of a field are longer than InfluxDB takes them
 */
export function refuseLongNames(seriesBytes: number, field = ''): void {
  // No character takes more than three bytes a unit.
  if (seriesBytes + 3 * field.length + 4 <= MAX_NAMES_BYTES) return;
  if (seriesBytes + (field === '' ? 0 : Buffer.byteLength(field) + 4) > MAX_NAMES_BYTES) throw longNames();
}

function longNames(): TrackingError {
  return badLine(`has names of more than ${MAX_NAMES_BYTES} bytes together`);
}
