import { TrackingError } from './errors.js';

/*
 * The syntax of line protocol, exactly as InfluxDB 2.7 reads it (`models.ParsePointsWithPrecision` in its source), with
 * all that its documentation leaves open: what a backslash escapes depends on where it stands, and a quote opens a string
 * wherever more equals signs than commas came before it. `test/line-protocol.influxdb.test.ts` holds the two together.
 * Everything that has a meaning here is ASCII, so that characters do as well as bytes.
 */

/** What a line is made of, for whoever wrote one that is not. */
export const SHAPE = 'MEASUREMENT[,TAG=VALUE…] FIELD=VALUE[,FIELD=VALUE…] [TIMESTAMP]';

export interface SeriesText {
  readonly measurement: string;
  readonly tags: readonly (readonly [key: string, value: string])[];
  /** Where it ends: at the space before the fields. */
  readonly end: number;
}

export interface FieldText {
  /** As it is written, with its escapes. */
  readonly key: string;
  /** Booleans are 1 and 0; a string has none. */
  readonly value: number | undefined;
}

const TAB = 9;
const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const COMMA = 44;
const MINUS = 45;
const EQUALS = 61;
const BACKSLASH = 92;

const MAX_KEY_BYTES = 65_535;
const RESERVED_TAGS = new Set(['\0', '_field', '_measurement', 'time']);
const ESCAPED_IN_TAGS = /\\([, =])/g;
const ESCAPED_ELSEWHERE = /\\([," =])/g;
const NUMBER_START = /^[-.\dNn]/;
const INTEGER = /^-?\d+i$/;
const UNSIGNED = /^\d+u$/;
const FLOAT = /^[-.\d][-+.\deE]*$/;
const BOOLEANS = new Map(
  [1, 0].flatMap((value) =>
    (value === 1 ? ['t', 'T', 'true', 'True', 'TRUE'] : ['f', 'F', 'false', 'False', 'FALSE']).map(
      (text) => [text, value] as const,
    ),
  ),
);

/** Where the line that begins there ends: at a newline that is neither escaped nor inside a string, or with the text. */
export function endOfLine(text: string, start: number): number {
  let quoted = false;
  let inFields = false;
  let open = 0; // equals signs, less commas
  for (let at = start; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH && at + 2 < text.length) at++;
    else if (code === NEWLINE && !quoted) return at;
    else if (code === SPACE) inFields = true;
    else if (!inFields) continue;
    else if (code === EQUALS && !quoted) open++;
    else if (code === COMMA && !quoted) open--;
    else if (code === QUOTE && open > 0) quoted = !quoted;
  }
  return text.length;
}

/** Where something else begins than spaces, tabs and NULs. */
export function skipBlanks(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== SPACE && code !== TAB && code !== 0) break;
  }
  return at;
}

/** The space that ends the measurement and tags of a line, where they are right. */
export function endOfSeries(line: string): number {
  for (let at = line.indexOf(' '); ; at = line.indexOf(' ', at + 1)) {
    if (at < 0 || line.charCodeAt(at - 1) !== BACKSLASH) return at;
  }
}

/**
 * Reads the measurement and the tags that a line begins with.
 * @throws TrackingError `invalid`
 */
export function readSeries(line: string): SeriesText {
  if (line.startsWith(',')) throw bad('has no measurement before its first comma');
  let at = endOfText(line, 0, COMMA);
  const measurement = line.slice(0, at).replace(ESCAPED_ELSEWHERE, '$1');
  const tags: [string, string][] = [];
  const keys = new Set<string>();
  while (line.charCodeAt(at) === COMMA) {
    const equals = endOfTagKey(line, at + 1);
    const key = line.slice(at + 1, equals);
    if (RESERVED_TAGS.has(key)) throw bad(`has a tag ${quoted(key)}, a name that InfluxDB keeps for itself`);
    if (keys.has(key)) throw bad(`has two tags ${quoted(key)}`);
    keys.add(key);
    at = endOfTagValue(line, equals + 1, key);
    tags.push([unescapeTag(key), unescapeTag(line.slice(equals + 1, at))]);
  }
  if (at >= line.length) throw bad(`has no fields: ${SHAPE}`);
  refuseLongKey(line.slice(0, at), '');
  return { measurement, tags, end: at };
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
    throw bad('has a tag without a key: a comma before the fields is followed by TAG=VALUE, and one in a name is \\,');
  }
  for (let at = start + 1; at < line.length; at++) {
    if (line.charCodeAt(at - 1) === BACKSLASH) continue;
    const code = line.charCodeAt(at);
    if (code === EQUALS) return at;
    if (code === SPACE || code === COMMA) break;
  }
  throw bad(`has a tag ${quoted(line.slice(start, endOfText(line, start, COMMA)))} without a value: TAG=VALUE`);
}

function endOfTagValue(line: string, start: number, key: string): number {
  const first = line.charCodeAt(start);
  if (start >= line.length || first === SPACE || first === COMMA) {
    throw bad(`has a tag ${quoted(key)} without a value: leave such a tag out`);
  }
  for (let at = start + 1; at < line.length; at++) {
    if (line.charCodeAt(at - 1) === BACKSLASH) continue;
    const code = line.charCodeAt(at);
    if (code === COMMA || code === SPACE) return at;
    if (code === EQUALS) throw bad(`has an equals sign in the value of the tag ${quoted(key)}: write it \\=`);
  }
  return line.length;
}

function unescapeTag(text: string): string {
  return text.includes('\\') ? text.replace(ESCAPED_IN_TAGS, '$1') : text;
}

/** A field's key without its escapes. */
export function unescapeFieldKey(key: string): string {
  return key.includes('\\') ? key.replace(ESCAPED_ELSEWHERE, '$1') : key;
}

/**
 * Reads the fields that stand behind the space that ends the series.
 * @throws TrackingError `invalid`
 */
export function readFields(
  line: string,
  space: number,
): { readonly fields: readonly FieldText[]; readonly end: number } {
  const start = skipBlanks(line, space);
  const end = endOfFields(line, start);
  const fields: FieldText[] = [];
  for (let at = start; at < end;) {
    const equals = unescapedEquals(line, at, end);
    const key = line.slice(at, equals);
    if (equals > end - 2) throw bad(`has a field ${quoted(key)} without a value`);
    at = endOfValue(line, equals + 1, end);
    refuseLongKey(line.slice(0, space), key);
    fields.push({ key, value: valueOf(line.slice(equals + 1, at), key) });
    at++;
  }
  return { fields, end };
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
  if (quotedText) throw bad('has a string that does not end: a quote is missing');
  if (equals === 0 && at <= start) throw bad(`has no fields: ${SHAPE}`);
  if (equals === 0 || commas !== equals - 1) throw bad('has fields that are not FIELD=VALUE with commas between them');
  return Math.min(at, line.length);
}

/** Checks a value that is no string, and gives where it ends; of a string, where its quote stands. */
function endOfToken(line: string, equals: number, start: number): number {
  const before = line[equals - 1];
  if ((before === ' ' || before === ',') && line[equals - 2] !== '\\') {
    throw bad('has a field without a key: FIELD=VALUE');
  }
  const key = line.slice(Math.max(start, line.lastIndexOf(',', equals) + 1), equals);
  const next = line[equals + 1];
  if (next === undefined || next === ',' || next === ' ') throw bad(`has a field ${quoted(key)} without a value`);
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
  if (text.startsWith('"')) return undefined;
  const value = NUMBER_START.test(text) ? numberOf(text) : BOOLEANS.get(text);
  if (value !== undefined) return value;
  throw bad(
    `has a field ${quoted(key)} with the value ${quoted(text)}, which is none: a number such as 0.5, 5i or 5u, true or false, or a "string"`,
  );
}

/**
 * The nearest double of a float (`0.5`), an integer (`5i`) or an unsigned one (`5u`), which have 64 bits; nothing where
 * it is none of them.
 */
export function numberOf(text: string): number | undefined {
  if (INTEGER.test(text)) return isWithin(text.slice(0, -1), 64) ? Number(text.slice(0, -1)) : undefined;
  if (UNSIGNED.test(text)) return isWithin(text.slice(0, -1), 65) ? Number(text.slice(0, -1)) : undefined;
  const value = FLOAT.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(value) ? value : undefined;
}

/** The value of a boolean; nothing where it is none. */
export function booleanOf(text: string): number | undefined {
  return BOOLEANS.get(text);
}

/** Whether the decimal digits fit so many bits, one of them a sign's. */
function isWithin(digits: string, bits: number): boolean {
  return digits.length <= 18 || BigInt.asIntN(bits, BigInt(digits)) === BigInt(digits);
}

/**
 * Reads what stands behind the fields: the digits of a timestamp, or nothing.
 * @throws TrackingError `invalid`
 */
export function readTimestamp(line: string, endOfFields: number): bigint | undefined {
  const start = skipBlanks(line, endOfFields);
  let end = start;
  if (line.charCodeAt(end) === MINUS) end++;
  while (end < line.length && line.charCodeAt(end) >= 48 && line.charCodeAt(end) <= 57) end++;
  const text = line.slice(start, end);
  const rest = line.slice(end);
  // InfluxDB looks no further where a newline stands in the place of the timestamp.
  if (text === '' && (rest === '' || rest.startsWith('\n'))) return undefined;
  if (!/^ *$/.test(rest) || text === '' || text === '-') {
    throw bad(`has a timestamp ${quoted(text + rest)}, which is no whole number`);
  }
  return BigInt(text);
}

function refuseLongKey(series: string, field: string): void {
  // No character takes more than three bytes a unit.
  if ((series.length + field.length + 4) * 3 <= MAX_KEY_BYTES) return;
  if (Buffer.byteLength(series) + Buffer.byteLength(field) + (field === '' ? 0 : 4) <= MAX_KEY_BYTES) return;
  throw bad(`has names of more than ${MAX_KEY_BYTES} bytes together`);
}

/** What is wrong with a line, in words that go on behind "line 3". */
function bad(words: string): TrackingError {
  return new TrackingError('invalid', words);
}

/** Text of a line as it may stand in a sentence. */
function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
