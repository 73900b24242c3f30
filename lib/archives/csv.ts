import {
  exactValue,
  identityFromText,
  identityText,
  jsonOfTags,
  type LineDecoder,
  type LineFormat,
  SeriesTexts,
  SeriesWordsCache,
  tagsOfJson,
} from '../archive.js';
import { TrackingError } from '../errors.js';
import { identityOfId } from '../event.js';
import { formatNanoseconds, type Nanoseconds, parseTimestamp } from '../time.js';

const COLUMNS = ['namespace', 'name', 'timestamp', 'value', 'tags', 'identity'] as const;
/** Columns of what clients wrote themselves. */
const KNOWN: readonly string[] = [...COLUMNS, 'id'];
const REQUIRED = COLUMNS.slice(0, 4);
const LINE_END = '\r\n';
const NEEDS_QUOTES = /[",\r\n]/;
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/**
 * RFC 4180 with a header line; tags are a JSON object, for which keys there are is not known before the last row. No
 * apostrophe goes before what looks like a formula, as it does in answers: every character comes back as it was.
 */
export const csv: LineFormat = {
  header: COLUMNS.join(',') + LINE_END,
  needsLastLineEnd: true,
  encode: encoderOf(),
  decoder: decoderOf,
};

function encoderOf(): LineFormat['encode'] {
  const texts = new SeriesTexts(({ namespace, name, tags }) => ({
    start: `${field(namespace)},${field(name)},`,
    end: `,${field(jsonOfTags(tags))},`,
  }));
  return (points) => {
    let lines = '';
    for (const { series, time, value, identity } of points) {
      const { start, end } = texts.of(series);
      lines += `${start}${formatNanoseconds(time)},${value}${end}${identityText(identity)}${LINE_END}`;
    }
    return lines;
  };
}

function field(text: string): string {
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function decoderOf(header: string): LineDecoder {
  const columns = fieldsOf(header.replace(/^\uFEFF/, ''));
  checkColumns(columns);
  const at = (name: string): number => columns.indexOf(name);
  const [namespace, name, timestamp, value] = REQUIRED.map(at) as [number, number, number, number];
  const [tags, identity, id] = [at('tags'), at('identity'), at('id')];
  const cache = new SeriesWordsCache();
  return (line) => {
    const fields = fieldsOf(line);
    if (fields.length !== columns.length) {
      throw new TrackingError('invalid', `has ${fields.length} fields, and the header ${columns.length}`);
    }
    const text = (column: number): string => fields[column] ?? '';
    // No name holds a control character, so NUL keeps the parts apart.
    const series = cache.get(`${text(namespace)}\0${text(name)}\0${text(tags)}`, () => ({
      namespace: text(namespace),
      name: text(name),
      ...(text(tags) === '' ? {} : { tags: tagsOfJson(text(tags)) }),
    }));
    const time = timeOf(text(timestamp));
    const ownId = text(identity) === '' && text(id) !== '' ? identityOfId(text(id), time) : undefined;
    return { series, time, value: numberOf(text(value)), identity: ownId ?? identityFromText(text(identity)) };
  };
}

function checkColumns(columns: readonly string[]): void {
  const words = `the first line must name the columns: ${REQUIRED.join(', ')}, and where wanted tags, identity or id`;
  const missing = REQUIRED.filter((name) => !columns.includes(name));
  if (missing.length > 0) throw new TrackingError('invalid', `${words}. It lacks ${missing.join(', ')}`);
  const odd = columns.filter((name, index) => !KNOWN.includes(name) || columns.indexOf(name) !== index);
  if (odd.length > 0) throw new TrackingError('invalid', `${words}. It has ${odd.join(', ')} besides, or twice`);
}

function timeOf(text: string): Nanoseconds {
  try {
    return parseTimestamp(NUMBER.test(text) ? Number(text) : text);
  } catch (error) {
    throw error instanceof TrackingError ? new TrackingError('invalid', `timestamp ${error.message}`) : error;
  }
}

function numberOf(text: string): number {
  if (!NUMBER.test(text)) throw new TrackingError('invalid', 'value must be a finite number');
  return exactValue(Number(text));
}

/** @throws TrackingError `invalid` where quotes are not as RFC 4180 has them */
function fieldsOf(line: string): string[] {
  if (!line.includes('"')) return line.split(',');
  const fields: string[] = [];
  for (let position = 0; ;) {
    let end: number;
    if (line[position] === '"') {
      end = closingQuote(line, position) + 1;
      fields.push(line.slice(position + 1, end - 1).replaceAll('""', '"'));
    } else {
      const comma = line.indexOf(',', position);
      end = comma < 0 ? line.length : comma;
      fields.push(line.slice(position, end));
    }
    if (end === line.length) return fields;
    if (line[end] !== ',') throw brokenQuotes();
    position = end + 1;
  }
}

function closingQuote(line: string, opening: number): number {
  for (let at = line.indexOf('"', opening + 1); at >= 0; at = line.indexOf('"', at + 2)) {
    if (line[at + 1] !== '"') return at;
  }
  throw brokenQuotes();
}

function brokenQuotes(): TrackingError {
  return new TrackingError('invalid', 'has a quote without its other one, or text behind a closing quote (RFC 4180)');
}
