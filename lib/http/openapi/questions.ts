import { MAX_GROUPS } from '../../answer.js';
import { MAX_WINDOWS } from '../../window.js';
import { aggregationParameters, name, namespace } from './aggregation-parameters.js';
import { deleteEvents } from './deletion.js';
import { answerOf, headersNamed, refusals } from './responses.js';
import { curl } from './samples.js';
import { type Operation, type Paths, schemaNamed } from './types.js';

const CPU = '/api/events/Server-1/cpu';
const HOST_1 = { host: 'web-1' };
const HOST_2 = { host: 'web-2' };
const DAY = '2020-11-12T00:00:00Z';

const HOURS = [
  { aggregatedTimestamp: '2020-11-12T11:00:00Z', value: 46 },
  { aggregatedTimestamp: '2020-11-12T12:00:00Z', value: 58 },
];

/** Each a question with its answer, over the events that the examples of tracking send. */
const EXAMPLES = {
  hours: { summary: 'Averages by the hour', query: '', value: HOURS },
  localDays: {
    summary: 'Several aggregates by the day in Berlin',
    query: '?granularity=day&timezone=Europe/Berlin&aggregationType=avg,max,count',
    value: [{ aggregatedTimestamp: '2020-11-11T23:00:00Z', value: { avg: 50, max: 58, count: 3 } }],
  },
  groups: {
    summary: 'A list for each host',
    query: '?granularity=day&aggregationType=sum&groupBy=host',
    value: [
      { tags: HOST_1, windows: [{ aggregatedTimestamp: DAY, value: 92 }] },
      { tags: HOST_2, windows: [{ aggregatedTimestamp: DAY, value: 58 }] },
    ],
  },
  events: {
    summary: 'The events as they are',
    query: '?granularity=none&tsMin=2020-11-12T11:15:00Z',
    value: [
      { aggregatedTimestamp: '2020-11-12T11:20:00Z', value: 50, tags: HOST_1 },
      { aggregatedTimestamp: '2020-11-12T12:05:00Z', value: 58, tags: HOST_2 },
    ],
  },
};

const CSV = `aggregatedTimestamp,value\r\n${HOURS.map((row) => `${row.aggregatedTimestamp},${row.value}\r\n`).join('')}`;
const LINES = HOURS.map((row) => `${JSON.stringify(row)}\n`).join('');

const askForAggregates: Operation = {
  operationId: 'askForAggregates',
  tags: ['Aggregation'],
  summary: 'Ask for aggregates',
  description: `Answers in order of time; \`aggregatedTimestamp\` is the start of the window, in UTC, even where \`tsMin\` cuts into it. An unknown namespace or name is an empty list.

More than ${MAX_WINDOWS.toLocaleString('en')} windows between the first and the last event in the range, or more than ${MAX_GROUPS.toLocaleString('en')} groups, are refused with 422.

\`Accept: text/csv\` and \`Accept: application/x-ndjson\` stream the same rows.`,
  security: [{ oauth2: ['aggregation'] }],
  parameters: [namespace, name, ...aggregationParameters],
  responses: {
    200: {
      description: 'The aggregates, or the events.',
      headers: headersNamed('Link'),
      content: {
        'application/json': {
          schema: schemaNamed('Answer'),
          examples: Object.fromEntries(
            Object.entries(EXAMPLES).map(([key, { summary, value }]) => [key, { summary, value }]),
          ),
        },
        'text/csv': {
          schema: {
            type: 'string',
            description:
              'RFC 4180 with a header line: the group, the time, one column a value, and with `granularity=none` one for each tag key.',
          },
          examples: { hours: { value: CSV } },
        },
        'application/x-ndjson': {
          schema: {
            type: 'string',
            description: 'One row (see the schema Row) a line; with `groupBy` each has the tags of its group.',
          },
          examples: { hours: { value: LINES } },
        },
      },
    },
    ...refusals(
      'invalid',
      'unauthenticated',
      'forbidden',
      'not-acceptable',
      'unprocessable',
      'internal',
      'unavailable',
    ),
  },
  'x-codeSamples': [
    ...Object.values(EXAMPLES).map(({ summary, query }) => curl({ label: summary, path: CPU + query })),
    curl({ label: 'As CSV', path: CPU, headers: { Accept: 'text/csv' } }),
  ],
};

const listNamespaces: Operation = {
  operationId: 'listNamespaces',
  tags: ['Discovery'],
  summary: 'List namespaces',
  description: 'The namespaces that have events and that the application may see.',
  security: [{ oauth2: ['read'] }],
  responses: {
    200: answerOf('The namespaces.', schemaNamed('Namespaces'), ['Server-1']),
    ...refusals('invalid', 'unauthenticated', 'forbidden', 'internal', 'unavailable'),
  },
  'x-codeSamples': [curl({ label: 'Namespaces', path: '/api/events/' })],
};

const listNames: Operation = {
  operationId: 'listNames',
  tags: ['Discovery'],
  summary: 'List the names of a namespace',
  description: 'Each with its tag keys and the times of its first and last event. Empty for an unknown namespace.',
  security: [{ oauth2: ['read'] }],
  parameters: [namespace],
  responses: {
    200: answerOf('The names.', schemaNamed('Names'), [
      { name: 'cpu', tagKeys: ['host'], first: '2020-11-12T11:10:00Z', last: '2020-11-12T12:05:00Z' },
      { name: 'memory', tagKeys: ['host'], first: '2020-11-12T11:10:00Z', last: '2020-11-12T11:20:00Z' },
    ]),
    ...refusals('invalid', 'unauthenticated', 'forbidden', 'internal', 'unavailable'),
  },
  'x-codeSamples': [curl({ label: 'Names', path: '/api/events/Server-1/' })],
};

export const questions: Paths = {
  '/api/events/{namespace}/{name}': { get: askForAggregates, delete: deleteEvents },
  '/api/events/': { get: listNamespaces },
  '/api/events/{namespace}/': { get: listNames },
};
