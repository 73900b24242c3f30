import { SCOPES } from '../../access.js';
import { ID, MAX_TAGS, TAG_KEY, TEXT } from '../../event-rules.js';
import { MAX_EVENTS_PER_REQUEST } from '../../event.js';
import { END_OF_TIME, MIN_TIME, SECOND } from '../../time.js';
import { AGGREGATIONS, FILLS, GRANULARITIES, MAX_LIMIT, PERCENTILE } from '../aggregation-query.js';
import { ALIVE } from '../health.js';
import { STATUSES } from '../problem.js';
import { type Schema, schemaNamed } from './types.js';

const NAME_RULE =
  '1 to 128 characters (code points), no control characters, not starting with `_`, not `.` or `..`. All others, such as spaces, slashes, quotes and emoji, come back as they went in.';

/** The schemas of what is sent. */
const SENT: Readonly<Record<string, Schema>> = {
  Text: { type: 'string', description: NAME_RULE, pattern: TEXT.source },
  TagKey: {
    type: 'string',
    description: '1 to 64 characters, no control characters, not `name` or `time`, not starting with `_`.',
    pattern: TAG_KEY.source,
  },
  Tags: {
    type: 'object',
    description: `At most ${MAX_TAGS} strings by key.`,
    maxProperties: MAX_TAGS,
    propertyNames: schemaNamed('TagKey'),
    additionalProperties: schemaNamed('Text'),
  },
  Timestamp: {
    description:
      'An RFC 3339 date-time (without an offset: UTC), or UNIX seconds, fractions allowed; from 1677-09-23 to 2262-04-09.',
    anyOf: [
      { type: 'string' },
      { type: 'number', minimum: Number(MIN_TIME / SECOND), exclusiveMaximum: Number(END_OF_TIME / SECOND) },
    ],
  },
  Event: {
    type: 'object',
    description: 'What happened or was measured, and when.',
    required: ['namespace', 'name', 'value'],
    properties: {
      namespace: { ...schemaNamed('Text'), description: `What events are grouped under. ${NAME_RULE}` },
      name: { ...schemaNamed('Text'), description: 'What happened or was measured; as `namespace`.' },
      timestamp: {
        ...schemaNamed('Timestamp'),
        description:
          'RFC 3339 (without an offset: UTC) or UNIX seconds, fractions allowed. Left out: the time of receipt.',
      },
      value: { type: 'number', description: 'A finite number; never a string, `null` or a boolean.' },
      tags: {
        ...schemaNamed('Tags'),
        description: `Further dimensions: at most ${MAX_TAGS} strings by key. Keys have 1 to 64 characters, are not \`name\` or \`time\` and do not start with \`_\`; values are as \`namespace\`.`,
      },
      id: {
        type: 'string',
        pattern: ID.source,
        description:
          '1 to 128 characters, with a `timestamp` beside it. Sent again, the event counts once and its first value stays.',
      },
    },
    dependentRequired: { id: ['timestamp'] },
    additionalProperties: false,
  },
  Events: { type: 'array', items: schemaNamed('Event'), maxItems: MAX_EVENTS_PER_REQUEST },
};

/** The words that a question is made of. */
const ASKED: Readonly<Record<string, Schema>> = {
  Granularity: { type: 'string', enum: [...GRANULARITIES, ...divisors('m', 60), ...divisors('h', 24)] },
  Aggregation: {
    anyOf: [
      { type: 'string', enum: AGGREGATIONS },
      { type: 'string', pattern: PERCENTILE.source, description: 'A percentile, from `p1` to `p99.9`.' },
    ],
  },
  Fill: { type: 'string', enum: FILLS },
  Limit: { type: 'integer', minimum: 1, maximum: MAX_LIMIT },
  TimeBound: {
    anyOf: [
      { type: 'number', description: 'UNIX seconds' },
      { type: 'string', description: 'RFC 3339, or relative to now' },
    ],
  },
};

const NUMBER_OR_NULL: Schema = { type: ['number', 'null'] };
const TIME: Schema = { type: 'string', format: 'date-time' };
const WINDOW_START: Schema = { ...TIME, description: 'The start of the window, in UTC.' };

/** The schemas of answers. */
const ANSWERED: Readonly<Record<string, Schema>> = {
  Accepted: object({ accepted: { type: 'integer', minimum: 0, description: 'How many events are now durable.' } }),
  Window: object({ aggregatedTimestamp: WINDOW_START, value: schemaNamed('WindowValue') }),
  WindowValue: {
    description: 'The number, or with several aggregations an object of numbers by aggregation.',
    anyOf: [
      { ...NUMBER_OR_NULL, description: '`null` where there is no such number.' },
      { type: 'object', propertyNames: schemaNamed('Aggregation'), additionalProperties: NUMBER_OR_NULL },
    ],
  },
  WindowGroup: object({
    tags: {
      type: 'object',
      description: 'The tag that `groupBy` names, with its value; empty for events without that tag.',
      maxProperties: 1,
      additionalProperties: { type: 'string' },
    },
    windows: { type: 'array', items: schemaNamed('Window') },
  }),
  StoredEvent: object(
    {
      aggregatedTimestamp: { ...TIME, description: 'The time of the event, to the millisecond.' },
      value: { type: 'number' },
      tags: { type: 'object', additionalProperties: { type: 'string' }, description: 'Where the event has any.' },
    },
    ['aggregatedTimestamp', 'value'],
  ),
  Answer: {
    description: 'In order of time. With `groupBy` a list of groups, with `granularity=none` the events themselves.',
    anyOf: ['Window', 'WindowGroup', 'StoredEvent'].map((name) => ({ type: 'array', items: schemaNamed(name) })),
  },
  Row: {
    description: 'A window, an event (`granularity=none`), or with `groupBy` a window with the tags of its group.',
    anyOf: [
      schemaNamed('Window'),
      schemaNamed('StoredEvent'),
      object({
        tags: { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } },
        aggregatedTimestamp: WINDOW_START,
        value: schemaNamed('WindowValue'),
      }),
    ],
  },
  Namespaces: { type: 'array', items: { type: 'string' } },
  Names: {
    type: 'array',
    items: object({
      name: { type: 'string' },
      tagKeys: { type: 'array', items: { type: 'string' } },
      first: { ...TIME, description: 'The time of the first event.' },
      last: { ...TIME, description: 'The time of the last event.' },
    }),
  },
  Deleted: object({ deleted: { type: 'integer', minimum: 0, description: 'How many events are gone.' } }),
  Health: object({
    name: { const: ALIVE.name, type: 'string' },
    status: { const: ALIVE.status, type: 'string' },
    message: { type: 'string' },
  }),
  InfluxDBError: object({ code: { type: 'string' }, message: { type: 'string' } }),
  InfluxDB1Error: object({ error: { type: 'string' } }),
  Readiness: object({
    status: {
      type: 'string',
      enum: ['ready', 'degraded', 'not ready'],
      description: '`degraded`: events are taken, and something else is missing, such as the store behind a queue.',
    },
    checks: {
      type: 'array',
      items: object(
        {
          name: { type: 'string', description: 'What the service needs, such as `store`.' },
          status: { type: 'string', enum: ['ready', 'not ready'] },
          reason: { type: 'string', description: 'Why it is not ready.' },
          note: { type: 'string', description: 'What people should know although it is ready.' },
        },
        ['name', 'status'],
      ),
    },
  }),
};

/** How the service says no. */
const REFUSED: Readonly<Record<string, Schema>> = {
  Problem: object(
    {
      type: {
        type: 'string',
        format: 'uri-reference',
        description: 'Where the documentation explains it.',
        enum: Object.keys(STATUSES).map((code) => `/docs/errors#${code}`),
      },
      title: { type: 'string' },
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: { type: 'string', description: 'What was wrong, and what would be right.' },
      errors: { type: 'array', items: schemaNamed('Mistake') },
      errorCount: { type: 'integer', description: 'How many mistakes there are, where `errors` lists the first ones.' },
      requestId: { type: 'string', description: 'What leads to the request in the log of the service.' },
    },
    ['type', 'title', 'status', 'detail'],
  ),
  Mistake: object(
    {
      index: { type: 'integer', minimum: 0, description: 'Which event of the request.' },
      path: { type: 'string', description: 'Where in the event, or which parameter.' },
      message: { type: 'string' },
    },
    ['message'],
  ),
  OAuthError: object({ error: { type: 'string' }, error_description: { type: 'string' } }),
  RpcStatus: object({
    code: { type: 'integer', description: 'Of google.rpc.Code; clients go by the HTTP status.' },
    message: { type: 'string' },
  }),
  ExportMetricsResponse: object(
    {
      partialSuccess: object({
        rejectedDataPoints: { type: 'string', pattern: '^\\d+$', description: 'How many data points are not stored.' },
        errorMessage: { type: 'string' },
      }),
    },
    [],
  ),
};

const AUTHORIZED: Readonly<Record<string, Schema>> = {
  TokenRequest: {
    type: 'object',
    required: ['grant_type'],
    properties: {
      grant_type: { type: 'string', const: 'client_credentials' },
      scope: {
        type: 'string',
        description: `Scopes with spaces between them, of ${SCOPES.join(', ')}. Left out: all that the application has.`,
      },
      client_id: { type: 'string', description: 'Instead of HTTP Basic.' },
      client_secret: { type: 'string', description: 'Instead of HTTP Basic.' },
    },
  },
  Token: object({
    access_token: { type: 'string', description: 'A JWT (RFC 9068); send it as `Authorization: Bearer TOKEN`.' },
    token_type: { type: 'string', const: 'Bearer' },
    expires_in: { type: 'integer', description: 'Seconds.' },
    scope: { type: 'string' },
  }),
};

/** `components.schemas` of the document. */
export const schemas: Readonly<Record<string, Schema>> = { ...SENT, ...ASKED, ...ANSWERED, ...REFUSED, ...AUTHORIZED };

function object(properties: Readonly<Record<string, Schema>>, required = Object.keys(properties)): Schema {
  return { type: 'object', required, properties, additionalProperties: false };
}

/** `5m`, `15m`, `6h`: what divides an hour, or a day. */
function divisors(unit: string, whole: number): string[] {
  return Array.from({ length: whole }, (_, index) => index + 1)
    .filter((count) => whole % count === 0)
    .map((count) => `${count}${unit}`);
}
