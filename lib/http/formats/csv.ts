import type { Row } from '../../answer.js';
import { formatTime } from '../../time.js';
import { type Format, type Shape, isNumber } from './format.js';

const NEEDS_QUOTES = /[",\r\n]/;
const LOOKS_LIKE_FORMULA = /^[=+\-@]/;
const PLAIN_NUMBER = /^[+-]?\d+(?:\.\d+)?$/;
const LINE_END = '\r\n';

/** RFC 4180 with a header line. */
export const csv: Format = {
  contentType: 'text/csv; charset=utf-8; header=present',
  hasColumns: true,
  write(shape) {
    return { head: line(headerOf(shape)), row: (row) => line(fieldsOf(row, shape)), tail: () => '' };
  },
};

function headerOf({ aggregations, groupBy, tagKeys }: Shape): string[] {
  const values = aggregations.length <= 1 ? ['value'] : aggregations;
  const group = groupBy === undefined ? [] : [tagColumn(groupBy)];
  return [...group, 'aggregatedTimestamp', ...values, ...tagKeys.map(tagColumn)].map(field);
}

function tagColumn(key: string): string {
  return `tag.${key}`;
}

function fieldsOf({ group, time, values, tags }: Row, { groupBy, tagKeys }: Shape): string[] {
  const fields = groupBy === undefined ? [] : [field(group ?? '')];
  fields.push(formatTime(time));
  for (const value of values) fields.push(isNumber(value) ? String(value) : '');
  for (const key of tagKeys)
    fields.push(field(tags !== undefined && Object.hasOwn(tags, key) ? (tags[key] ?? '') : ''));
  return fields;
}

/**
 * A text as a field. Spreadsheets run what begins like a formula, and tags may come from anybody, so such a value gets
 * an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection). JSON leaves all values as they are.
 */
function field(text: string): string {
  const harmless = LOOKS_LIKE_FORMULA.test(text) && !PLAIN_NUMBER.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

function line(fields: readonly string[]): string {
  return fields.join(',') + LINE_END;
}
