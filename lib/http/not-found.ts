import { TrackingError } from '../errors.js';
import type { Middleware } from './context.js';
import { nearest } from './nearest.js';

const PATHS = [
  '/api/track/',
  '/api/v2/write',
  '/write',
  '/v1/metrics',
  '/api/v1/write',
  '/api/events/',
  '/health',
  '/ping',
  '/ready',
  '/metrics',
  '/o/token/',
  '/docs',
  '/docs/errors',
  '/openapi.json',
];

const ASKED =
  'Events are asked for at /api/events/NAMESPACE/NAME, as /docs says; no other language of queries is spoken.';
const METRICS = 'Of OpenTelemetry only metrics are taken, at /v1/metrics: leave out the exporters of everything else.';

/** Where programs that were made for other services look for what is not here. */
const ELSEWHERE = new Map([
  ['/query', ASKED],
  ['/api/v2/query', ASKED],
  ['/api/v1/query', ASKED],
  ['/api/v1/query_range', ASKED],
  ['/api/v1/read', ASKED],
  ['/v1/traces', METRICS],
  ['/v1/logs', METRICS],
  ['/v1development/profiles', METRICS],
]);

/** The last word: a path that nobody knows, or a method that a known path does not. */
export const answerNotFound: Middleware = function answerNotFound(ctx) {
  const { matched = [] } = ctx as { matched?: readonly { readonly methods: readonly string[] }[] };
  if (matched.length === 0) {
    throw new TrackingError('not-found', `There is nothing at ${ctx.path}. ${hintFor(ctx.path)}`);
  }
  const allowed = [...new Set(matched.flatMap(({ methods }) => methods)), 'OPTIONS'].join(', ');
  ctx.set('Allow', allowed);
  if (ctx.method !== 'OPTIONS') {
    throw new TrackingError('method-not-allowed', `${ctx.method} is not allowed at ${ctx.path}; ${allowed} are.`);
  }
  ctx.status = 204;
};

function hintFor(path: string): string {
  const elsewhere = ELSEWHERE.get(path);
  if (elsewhere !== undefined) return elsewhere;
  const near = nearest(path, PATHS);
  return near === undefined ? 'What there is stands in /docs.' : `Did you mean ${near}?`;
}
