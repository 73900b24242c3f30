import Joi from 'joi';
import { Temporal } from 'temporal-polyfill';
import type { AggregationQuery } from '../aggregation.js';
import type { Mistake } from '../errors.js';
import { isTagKey } from '../event-rules.js';
import { now } from '../time.js';
import { WEEKDAYS } from '../window.js';
import { suggestion } from './nearest.js';
import { type Parameter, mistakenParameters, readParameters } from './parameters.js';
import { readTags, readTexts, tagKeyRule } from './selection-query.js';
import { readRange } from './time-parameter.js';

export const GRANULARITIES = ['minute', 'hour', 'day', 'week', 'month', 'year', 'none', 'all'];
export const AGGREGATIONS = ['avg', 'min', 'max', 'sum', 'count', 'first', 'last', 'median', 'stddev'];
export const FILLS = ['none', 'null', 'zero', 'previous', 'linear'];
export const MAX_LIMIT = 10_000_000;

export const PERCENTILE = /^p[1-9]\d?(?:\.\d)?$/;
const ZONE_NAME = /^[A-Za-z][\w+/-]*$/;

/** The parameters with their defaults, as joi reads them. */
interface Parameters extends Omit<AggregationQuery, 'selection' | 'aggregations'> {
  readonly tsMin?: string;
  readonly tsMax?: string;
  readonly aggregationType: AggregationQuery['aggregations'];
}

const schema = Joi.object<Parameters>({
  tsMin: Joi.string(),
  tsMax: Joi.string(),
  granularity: Joi.string().custom(readGranularity).default('hour'),
  aggregationType: Joi.string().custom(readAggregations).default(['avg']),
  weekStart: oneOf(WEEKDAYS).default('monday'),
  timezone: Joi.string().custom(readTimezone).default('UTC'),
  groupBy: Joi.string().custom(readGroupBy),
  fill: oneOf(FILLS).default('none'),
  limit: Joi.string().custom(readLimit).default(10_000),
  cursor: Joi.string(),
})
  .messages({ 'any.custom': '{{#label}} {{#error.message}}', 'string.empty': '{{#label}} must not be empty' })
  .prefs({ abortEarly: false, errors: { wrap: { label: false } } });

export const PARAMETERS = [
  'tsMin',
  'tsMax',
  'granularity',
  'aggregationType',
  'weekStart',
  'timezone',
  'tag.KEY',
  'groupBy',
  'fill',
  'limit',
  'cursor',
];

/** A question, and the parameters that ask it again from the same moment on, for the next page. */
export interface Question {
  readonly query: AggregationQuery;
  readonly parameters: readonly Parameter[];
}

/**
 * Reads the question that an address asks (`api.md`, Aggregation).
 * @throws TrackingError `invalid` with every mistake in the query string
 */
export function readQuestion(namespace: string, name: string, querystring: string, moment = now()): Question {
  const parameters = readParameters(querystring);
  const mistakes: Mistake[] = [];
  const tags = readTags(parameters, mistakes);
  const values = readValues(parameters, mistakes);
  const range = readRange(values, values.timezone, moment, mistakes);
  refuseContradictions(values, mistakes);
  if (mistakes.length > 0) throw mistakenParameters(mistakes);
  const { granularity, aggregationType, weekStart, timezone, groupBy, fill, limit, cursor } = values;
  const query: AggregationQuery = {
    selection: { namespace, name, tags, ...range.bounds },
    granularity,
    aggregations: aggregationType,
    weekStart,
    timezone,
    fill,
    limit,
    ...(groupBy !== undefined && { groupBy }),
    ...(cursor !== undefined && { cursor }),
  };
  return { query, parameters: parameters.map(([key, value]) => [key, range.texts.get(key) ?? value]) };
}

function readValues(parameters: readonly Parameter[], mistakes: Mistake[]): Parameters {
  const texts = readTexts(parameters, PARAMETERS, mistakes);
  const result = schema.validate(Object.fromEntries(texts));
  const { error } = result;
  const value = result.value as Parameters; // also where there are mistakes, whose parameters stay as they were
  const wrong = (error?.details ?? []).map(({ path, message }) => ({ path: path.join('.'), message }));
  mistakes.push(...wrong);
  // So that times can be checked although the zone is mistaken.
  return wrong.some(({ path }) => path === 'timezone') ? { ...value, timezone: 'UTC' } : value;
}

function refuseContradictions({ granularity, groupBy, fill }: Parameters, mistakes: Mistake[]): void {
  if (granularity !== 'none') return;
  if (groupBy !== undefined) {
    mistakes.push({ path: 'groupBy', message: 'groupBy needs windows: another granularity than none' });
  }
  if (fill !== 'none') mistakes.push({ path: 'fill', message: 'fill needs windows: another granularity than none' });
}

function oneOf(words: readonly string[]): Joi.StringSchema {
  return Joi.string().custom((text: string) => {
    if (words.includes(text)) return text;
    throw new Error(`must be one of ${words.join(', ')}${suggestion(text, words)}`);
  });
}

function readGranularity(text: string): string {
  if (GRANULARITIES.includes(text)) return text;
  const [, count, unit] = /^([1-9]\d?)([mh])$/.exec(text) ?? [];
  if (count !== undefined && (unit === 'm' ? 60 : 24) % Number(count) === 0) return text;
  throw new Error(
    `must be ${GRANULARITIES.join(', ')}, or a divisor of an hour or of a day such as 5m, 15m, 6h${suggestion(text, GRANULARITIES)}`,
  );
}

/** In one question; each is a number in every row of the answer. */
export const MAX_AGGREGATIONS = 20;

function readAggregations(text: string): string[] {
  const types = text.split(',').map((type) => type.trim());
  for (const type of types) {
    if (AGGREGATIONS.includes(type) || PERCENTILE.test(type)) continue;
    throw new Error(
      `must be ${AGGREGATIONS.join(', ')} or p1 to p99.9, several with commas; "${type}" is none${suggestion(type, AGGREGATIONS)}`,
    );
  }
  if (new Set(types).size < types.length) throw new Error('must name each aggregation once');
  if (types.length > MAX_AGGREGATIONS) throw new Error(`must name at most ${MAX_AGGREGATIONS} aggregations`);
  return types;
}

function readTimezone(text: string): string {
  try {
    if (ZONE_NAME.test(text)) return Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(text).timeZoneId;
  } catch {
    // Said below, in our words.
  }
  const offset = /^[ +-]?\d/.test(text) ? '; an offset does not say when clocks change' : '';
  throw new Error(`must be an IANA name such as Europe/Berlin or UTC${offset}`);
}

function readGroupBy(text: string): string {
  if (isTagKey(text)) return text;
  throw new Error(`must be ${tagKeyRule}`);
}

function readLimit(text: string): number {
  const limit = /^\d{1,8}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= MAX_LIMIT) return limit;
  throw new Error(`must be a whole number from 1 to ${MAX_LIMIT}`);
}
