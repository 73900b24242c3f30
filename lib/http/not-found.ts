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

/** The last word: a path that nobody knows, or a method that a known path does not. */
export const answerNotFound: Middleware = function answerNotFound(ctx) {
  const { matched = [] } = ctx as { matched?: readonly { readonly methods: readonly string[] }[] };
  if (matched.length === 0) {
    const near = nearest(ctx.path, PATHS);
    const hint = near === undefined ? 'What there is stands in /docs.' : `Did you mean ${near}?`;
    throw new TrackingError('not-found', `There is nothing at ${ctx.path}. ${hint}`);
  }
  const allowed = [...new Set(matched.flatMap(({ methods }) => methods)), 'OPTIONS'].join(', ');
  ctx.set('Allow', allowed);
  if (ctx.method !== 'OPTIONS') {
    throw new TrackingError('method-not-allowed', `${ctx.method} is not allowed at ${ctx.path}; ${allowed} are.`);
  }
  ctx.status = 204;
};
