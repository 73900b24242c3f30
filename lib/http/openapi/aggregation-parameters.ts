import { encodeCursor } from '../../cursor.js';
import { parseDateTime } from '../../time.js';
import { WEEKDAYS } from '../../window.js';
import { TAG_KEY } from '../../event-rules.js';
import { TAG_PREFIX } from '../selection-query.js';
import { type Parameter, type Schema, schemaNamed } from './types.js';

export const namespace = inPath('namespace', 'The namespace, percent-encoded: a slash is `%2F`.', 'Server-1');
export const name = inPath('name', 'The name, percent-encoded.', 'cpu');

/** The query parameters of a question, in the order in which the contract lists them. */
export const aggregationParameters: readonly Parameter[] = [
  {
    name: 'tsMin',
    in: 'query',
    description:
      'The first moment, included: UNIX seconds, RFC 3339 (without an offset: UTC), or relative to now: `now`, `-15m`, `-24h`, `-7d`, `-2w`, `-12mo`, `-1y`. Read to the millisecond. A bare `2020` is refused, as it could mean the year or a UNIX second: write `2020-01-01T00:00:00Z` or `2020.0`. Left out: all there is.',
    schema: schemaNamed('TimeBound'),
    examples: {
      dateTime: { value: '2020-11-12T00:00:00Z' },
      unixSeconds: { value: 1605179400 },
      relative: { value: '-7d' },
    },
  },
  {
    name: 'tsMax',
    in: 'query',
    description: 'The last moment, not included; written as `tsMin`.',
    schema: schemaNamed('TimeBound'),
    examples: { dateTime: { value: '2020-11-13T00:00:00Z' }, relative: { value: 'now' } },
  },
  {
    name: 'granularity',
    in: 'query',
    description:
      'How long a window is: a calendar unit, or a divisor of an hour or of a day such as `5m`, `15m`, `6h`. `all` makes one window of the whole range, `none` lists the events as they are.',
    schema: { ...schemaNamed('Granularity'), default: 'hour' },
    examples: { day: { value: 'day' }, quarterOfAnHour: { value: '15m' } },
  },
  {
    name: 'aggregationType',
    in: 'query',
    description:
      'What is made of a window; several with commas. Median and percentiles interpolate linearly between the two nearest values, `stddev` is that of a sample (`null` for one event), averages are over events. What comes in meanwhile may count in one of several and not yet in another.',
    style: 'form',
    explode: false,
    schema: {
      type: 'array',
      items: schemaNamed('Aggregation'),
      minItems: 1,
      uniqueItems: true,
      default: ['avg'],
    },
    examples: { one: { value: ['max'] }, several: { value: ['avg', 'count', 'p99.9'] } },
  },
  {
    name: 'weekStart',
    in: 'query',
    description: 'The day that weeks start on. Monday is that of ISO 8601.',
    schema: enumerated(WEEKDAYS, 'monday'),
    examples: { sunday: { value: 'sunday' } },
  },
  {
    name: 'timezone',
    in: 'query',
    description:
      'An IANA name: days, weeks, months and years start there, and days of 23 or 25 hours are windows of 23 or 25 hours.',
    schema: { type: 'string', default: 'UTC' },
    examples: { berlin: { value: 'Europe/Berlin' } },
  },
  {
    name: 'tag.KEY',
    in: 'query',
    description:
      'Only events with that value of the tag, written `tag.host=web-1`. Several keys must all match, several values of one key are alternatives.',
    // Exploded, the name of such a parameter is not written, only those of the object's members.
    style: 'form',
    explode: true,
    schema: {
      type: 'object',
      propertyNames: { type: 'string', pattern: `^${TAG_PREFIX.replace('.', '\\.')}${TAG_KEY.source.slice(1)}` },
      additionalProperties: { type: 'string' },
    },
    examples: { host: { value: { 'tag.host': 'web-1' } } },
  },
  {
    name: 'groupBy',
    in: 'query',
    description:
      'A tag key: one list of windows for each of its values, events without that tag first. Not with `granularity=none`.',
    schema: schemaNamed('TagKey'),
    examples: { host: { value: 'host' } },
  },
  {
    name: 'fill',
    in: 'query',
    description:
      'What stands in windows without events, between the first and the last event of the range. Not with `granularity=none`.',
    schema: { ...schemaNamed('Fill'), default: 'none' },
    examples: { zero: { value: 'zero' } },
  },
  {
    name: 'limit',
    in: 'query',
    description: 'Rows a page. Where there are more, the header `Link` has the address of the next page.',
    schema: { ...schemaNamed('Limit'), default: 10_000 },
    examples: { hundred: { value: 100 } },
  },
  {
    name: 'cursor',
    in: 'query',
    description: 'Where the page before ended; only ever taken from its header `Link`.',
    schema: { type: 'string' },
    examples: {
      taken: {
        value: encodeCursor({ kind: 'window', group: undefined, time: parseDateTime('2020-11-12T11:00:00Z') }),
      },
    },
  },
];

function inPath(name: string, description: string, value: string): Parameter {
  return { name, in: 'path', required: true, description, schema: { type: 'string' }, examples: { [name]: { value } } };
}

function enumerated(words: readonly string[], chosen: string): Schema {
  return { type: 'string', enum: words, default: chosen };
}
