import { answerOf, headersNamed } from './responses.js';
import { ADDRESS, shell } from './samples.js';
import { type Operation, type Paths, schemaNamed } from './types.js';

const isAlive: Operation = {
  operationId: 'isAlive',
  tags: ['Operation'],
  summary: 'Is the process alive?',
  description: 'Answers as long as it is, whatever the store does.',
  security: [],
  responses: { 200: answerOf('It is.', schemaNamed('Health'), { status: 'ok' }) },
  'x-codeSamples': [shell('Health', `curl -s '${ADDRESS}/health'`)],
};

const isReady: Operation = {
  operationId: 'isReady',
  tags: ['Operation'],
  summary: 'Can the service do its work?',
  description: 'Whether it can take and answer requests, and why not. A check that takes longer than 2 s has failed.',
  security: [],
  responses: {
    200: answerOf('It can.', schemaNamed('Readiness'), {
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

/** Health, readiness, and the documentation itself. */
export const upkeep: Paths = {
  '/health': { get: isAlive },
  '/ready': { get: isReady },
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
