import { MAX_EVENTS_PER_REQUEST } from '../../event.js';
import { MAX_BODY_BYTES } from '../body.js';
import { BATCH, STRUCTURED } from '../cloudevents/read.js';
import { MAX_KEYS } from '../json-limits.js';
import { IDEMPOTENCY_KEY, LINE_TYPES } from '../track.js';
import { answerOf, refusals } from './responses.js';
import { curl } from './samples.js';
import { type MediaType, type Operation, type Parameter, type Paths, schemaNamed } from './types.js';

const CPU = { namespace: 'Server-1', name: 'cpu' };
const MEMORY = { namespace: 'Server-1', name: 'memory' };

const ONE = { ...CPU, timestamp: '2020-11-12T11:10:00', value: 42, tags: { host: 'web-1' } };
const WITH_IDS = [
  { ...CPU, timestamp: '2020-11-12T11:20:00+00:00', value: 50, tags: { host: 'web-1' }, id: 'b1c0' },
  { ...CPU, timestamp: 1605182700, value: 58, tags: { host: 'web-2' }, id: 'b1c1' },
];
const MEASURED = { ...MEMORY, timestamp: '2020-11-12T11:10:00Z', value: 0.73, tags: { host: 'web-1' } };
const REPEATABLE = [{ ...MEMORY, timestamp: '2020-11-12T11:20:00Z', value: 0.75, tags: { host: 'web-1' } }];
const LINES = WITH_IDS.map((event) => JSON.stringify(event)).join('\n');

const parameters: readonly Parameter[] = [
  {
    name: 'identity',
    in: 'query',
    description:
      'With `timestamp` the events are samples: series (namespace, name, tags) and timestamp are their identity. Sent again they count once, and a corrected value replaces the old one. Such events have a `timestamp` and no `id`. Feed a series one way or the other.',
    schema: { type: 'string', enum: ['timestamp'] },
    examples: { samples: { value: 'timestamp' } },
  },
  {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Gives each event without an id the id `KEY#index`, so that the whole request can be sent again and counts once. Each event then needs a `timestamp`.',
    schema: { type: 'string', pattern: IDEMPOTENCY_KEY.source },
    examples: { key: { value: '0b5c9a52-7a40-4c0e-9f5e-1f3a1c8e6d11' } },
  },
  {
    name: 'Content-Encoding',
    in: 'header',
    description: `\`gzip\` for a compressed body. The limit of ${MAX_BODY_BYTES} bytes holds for the body as sent and inflated.`,
    schema: { type: 'string', enum: ['gzip', 'x-gzip', 'identity'], default: 'identity' },
  },
];

const lines: MediaType = {
  schema: { type: 'string', description: 'One event (see the schema Event) a line; blank lines do not count.' },
  examples: { lines: { summary: 'Two events with ids, one a line', value: LINES } },
};

const CLOUD_EVENT = {
  specversion: '1.0',
  id: 'o-1',
  source: '/shop/berlin',
  type: 'order.placed',
  time: '2020-11-12T11:30:00Z',
  subject: 'shoes',
  data: { value: 42.5 },
};

const cloudEvent = {
  type: 'object',
  description:
    'A CloudEvent 1.0: `source` becomes the namespace, `type` the name, `data` (or `data.value`, else 1) the value, the subject and extension attributes tags; `source` and `id` are its identity. Settings can change this.',
  required: ['specversion', 'id', 'source', 'type', 'time'],
  properties: {
    specversion: { const: '1.0' },
    id: { type: 'string', minLength: 1 },
    source: { type: 'string', minLength: 1 },
    type: { type: 'string', minLength: 1 },
    time: { type: 'string', format: 'date-time' },
  },
} as const;

const trackEvents: Operation = {
  operationId: 'trackEvents',
  tags: ['Tracking'],
  summary: 'Track events',
  description: `Takes one event as a JSON object, several as an array, one a line as NDJSON, or CloudEvents 1.0 (structured, batched, and in binary mode with any body and \`ce-\` headers); at most ${MAX_EVENTS_PER_REQUEST.toLocaleString('en')} events with ${MAX_KEYS.toLocaleString('en')} different keys and 8 MiB a request.

\`201\` means that these events survive a kill of the service and of the database. All or nothing: one bad event refuses the request, nothing is stored, and the answer names every bad event by index, path and reason (the first 100).

A client that got no answer can send the same events again and have them count once where each has an \`id\`, where the request has an \`Idempotency-Key\`, or with \`identity=timestamp\`. Without any of these each event is itself and counts again.`,
  security: [{ oauth2: ['write'] }],
  parameters,
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: { anyOf: [schemaNamed('Event'), schemaNamed('Events')] },
        examples: {
          event: { summary: 'One event', value: ONE },
          events: { summary: 'Two events with ids', value: WITH_IDS },
        },
      },
      ...Object.fromEntries(LINE_TYPES.map((type) => [type, lines])),
      [STRUCTURED]: { schema: cloudEvent, examples: { cloudEvent: { summary: 'A CloudEvent', value: CLOUD_EVENT } } },
      [BATCH]: {
        schema: { type: 'array', items: cloudEvent, maxItems: MAX_EVENTS_PER_REQUEST },
        examples: { batch: { summary: 'A batch of CloudEvents', value: [CLOUD_EVENT] } },
      },
    },
  },
  responses: {
    201: answerOf('The events are durable.', schemaNamed('Accepted'), { accepted: 1 }),
    ...refusals(
      'invalid',
      'unauthenticated',
      'forbidden',
      'too-large',
      'unsupported-media-type',
      'unprocessable',
      'too-many-requests',
      'internal',
      'unavailable',
    ),
  },
  'x-codeSamples': [
    curl({ label: 'One event', path: '/api/track/', headers: contentType('json'), body: JSON.stringify(ONE) }),
    curl({ label: 'Several with ids, one a line', path: '/api/track/', headers: contentType('x-ndjson'), body: LINES }),
    curl({
      label: 'A measurement taken at a set time',
      path: '/api/track/?identity=timestamp',
      headers: contentType('json'),
      body: JSON.stringify(MEASURED),
    }),
    curl({
      label: 'Compressed, and safe to send again',
      path: '/api/track/',
      headers: { ...contentType('json'), 'Idempotency-Key': '0b5c9a52-7a40-4c0e-9f5e-1f3a1c8e6d11' },
      body: JSON.stringify(REPEATABLE),
      gzip: true,
    }),
  ],
};

export const tracking: Paths = { '/api/track/': { post: trackEvents } };

function contentType(subtype: string): Record<string, string> {
  return { 'Content-Type': `application/${subtype}` };
}
