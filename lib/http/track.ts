import type { RouterInstance } from '@koa/router';
import { allowsNamespace } from '../access.js';
import type { Admission } from '../admission.js';
import { TrackingError } from '../errors.js';
import { MAX_MISTAKES_LISTED, type Point, type Reception } from '../event.js';
import { now } from '../time.js';
import { grantOf, requireScope } from './authenticate.js';
import { takeOver } from './admit-body.js';
import { readBody, takeBody } from './body.js';
import type { Context, Middleware, RequestState } from './context.js';
import { readJsonEvents, readLineEvents } from './events-body.js';
import { mistakenParameters, readParameters, refuseOtherParameters } from './parameters.js';

/** What takes the events: `ingest.ts`. */
export interface Acceptor {
  /** Resolves once the points are durable. What is pending leaves when the points have. */
  accept(points: readonly Point[], application: string, pendingBytes: number): Promise<void>;
}

interface Front {
  readonly ingest: Acceptor;
  readonly admission: Admission;
}

export const LINE_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
export const TYPES = ['application/json', ...LINE_TYPES];

// As text an id takes its place in a hash, so its characters matter as little as those of an event's id.
export const IDEMPOTENCY_KEY = /^[^\p{Cc}]{1,128}$/u;

/** `POST /api/track/`: events in (`api.md`, Tracking). */
export function routeTrack(
  router: RouterInstance<RequestState>,
  authenticate: Middleware,
  { ingest, admission }: Front,
): void {
  router.post('/api/track', authenticate, requireScope('write'), ...readBody(TYPES, admission), trackEvents(ingest));
}

function trackEvents(ingest: Acceptor): Middleware {
  return async function trackEvents(ctx) {
    const reception = readReception(ctx);
    const read = LINE_TYPES.includes(ctx.request.type.toLowerCase()) ? readLineEvents : readJsonEvents;
    const points = read(takeBody(ctx), reception);
    const { application, namespaces } = grantOf(ctx);
    refuseForeignNamespaces(points, namespaces);
    await ingest.accept(points, application, takeOver(ctx));
    ctx.state.events = points.length;
    answerAccepted(ctx, points.length);
  };
}

function answerAccepted(ctx: Context, accepted: number): void {
  ctx.status = 201;
  ctx.res.setHeader('Content-Type', 'application/json; charset=utf-8');
  ctx.body = `{"accepted":${accepted}}`;
}

function readReception(ctx: Context): Reception {
  const reception = { receivedAt: now(), identity: readIdentity(ctx.querystring) };
  const idempotencyKey = ctx.req.headers['idempotency-key'];
  if (idempotencyKey === undefined) return reception;
  if (typeof idempotencyKey !== 'string' || !IDEMPOTENCY_KEY.test(idempotencyKey)) {
    throw new TrackingError(
      'invalid',
      'Idempotency-Key must have 1 to 128 characters, none of them control characters.',
    );
  }
  return { ...reception, idempotencyKey };
}

function readIdentity(querystring: string): Reception['identity'] {
  if (querystring === '') return 'event';
  const parameters = readParameters(querystring);
  refuseOtherParameters(parameters, ['identity']);
  if (parameters.some(([, value]) => value !== 'timestamp')) {
    throw mistakenParameters([{ path: 'identity', message: 'identity must be timestamp, or be left out' }]);
  }
  return parameters.length === 0 ? 'event' : 'sample';
}

/** All or nothing: one event outside the application's namespaces refuses the request. */
function refuseForeignNamespaces(points: readonly Point[], patterns: readonly string[]): void {
  if (patterns.length === 0) return;
  const mistakes = points.flatMap(({ series: { namespace } }, index) =>
    allowsNamespace(patterns, namespace)
      ? []
      : [{ index, path: 'namespace', message: `"${namespace}" is outside the application's namespaces` }],
  );
  if (mistakes.length === 0) return;
  throw new TrackingError(
    'forbidden',
    `Nothing was stored: the application may write to ${patterns.join(', ')} alone, and ${mistakes.length} event(s) belong elsewhere.`,
    { mistakes: mistakes.slice(0, MAX_MISTAKES_LISTED), mistakeCount: mistakes.length },
  );
}
