import { ALIVE } from '../health.js';
import { METRICS, type MetricDescription } from '../../metrics.js';
import { answerOf, headersNamed } from './responses.js';
import { ADDRESS, shell } from './samples.js';
import { type Operation, type Paths, schemaNamed } from './types.js';

const isAlive: Operation = {
  operationId: 'isAlive',
  tags: ['Operation'],
  summary: 'Is the process alive?',
  description: 'Answers as long as it is, whatever the store does.',
  security: [],
  responses: { 200: answerOf('It is.', schemaNamed('Health'), ALIVE) },
  'x-codeSamples': [shell('Health', `curl -s '${ADDRESS}/health'`)],
};

const isReady: Operation = {
  operationId: 'isReady',
  tags: ['Operation'],
  summary: 'Can the service do its work?',
  description:
    'Whether it can take events, and what is missing. Behind a queue it can also while the store is away: then it is `degraded`, and questions are answered with 503 until the store is back. A check that takes longer than 2 s has failed.',
  security: [],
  responses: {
    200: answerOf('It can take events.', schemaNamed('Readiness'), {
      status: 'ready',
      checks: [{ name: 'store', status: 'ready' }],
    }),
    503: answerOf('It cannot, and why.', schemaNamed('Readiness'), {
      status: 'not ready',
      checks: [{ name: 'store', status: 'not ready', reason: 'no answer within 2 s' }],
    }),
  },
  'x-codeSamples': [shell('Readiness', `curl -s '${ADDRESS}/ready'`)],
};

const rows = Object.entries<MetricDescription>(METRICS).map(([name, { type, help, labels }]) => {
  const by = labels === undefined ? '' : `, by ${labels.map((label) => `\`${label}\``).join(', ')}`;
  return `\`${name}\` (${type}): ${help}${by}.`;
});

const getMetrics: Operation = {
  operationId: 'getMetrics',
  tags: ['Operation'],
  summary: 'Metrics for Prometheus',
  description: [
    'Anybody who reaches the service may read them, as Prometheus scrapes without a token; they hold numbers, and no names of events or applications.',
    ...rows,
    'Beside them those of the process and of Node.js, whose names begin with `process_` and `nodejs_`.',
  ].join('\n\n'),
  security: [],
  responses: {
    200: {
      description: 'The text format of Prometheus.',
      headers: headersNamed(),
      content: { 'text/plain': { schema: { type: 'string' } } },
    },
  },
  'x-codeSamples': [shell('Metrics', `curl -s '${ADDRESS}/metrics'`)],
};

/** Health, readiness, and the documentation itself. */
export const upkeep: Paths = {
  '/health': { get: isAlive },
  '/ready': { get: isReady },
  '/metrics': { get: getMetrics },
  '/openapi.json': { get: documentation('getOpenApi', 'This description, as OpenAPI 3.1', 'application/json') },
  '/docs': { get: documentation('getDocumentation', 'This description, for people', 'text/html') },
  '/docs/errors': { get: documentation('getErrorDocumentation', 'Every error, and what to do', 'text/html') },
};

function documentation(operationId: string, summary: string, type: string): Operation {
  return {
    operationId,
    tags: ['Operation'],
    summary,
    description: 'Anybody may read it.',
    security: [],
    responses: {
      200: {
        description: summary,
        headers: headersNamed(),
        content: { [type]: { schema: { type: type === 'text/html' ? 'string' : 'object' } } },
      },
    },
  };
}
