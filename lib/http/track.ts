import type { RouterInstance } from '@koa/router';
import { TrackingError } from '../errors.js';
import type { Point, Reception } from '../event.js';
import { now } from '../time.js';
import { requireScope } from './authenticate.js';
import { readBody } from './body.js';
import type { CloudEventsMapping } from './cloudevents/mapping.js';
import { CLOUDEVENTS_TYPES, isBinaryEvent, readCloudEvents } from './cloudevents/read.js';
import type { Context, Middleware, RequestState } from './context.js';
import { readJsonEvents, readLineEvents } from './events-body.js';
import { acceptEvents, type Front } from './intake.js';
import { mistakenParameters, readParameters, refuseOtherParameters } from './parameters.js';

export const LINE_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
export const TYPES = ['application/json', ...LINE_TYPES, ...CLOUDEVENTS_TYPES];

// As text an id takes its place in a hash, so its characters matter as little as those of an event's id.
export const IDEMPOTENCY_KEY = /^[^\p{Cc}]{1,128}$/u;

/** `POST /api/track/`: events in (`api.md`, Tracking). */
export function routeTrack(
  router: RouterInstance<RequestState>,
  authenticate: Middleware,
  front: Front,
  mapping: CloudEventsMapping,
): void {
  router.post(
    '/api/track',
    authenticate,
    requireScope('write'),
    ...readBody(TYPES, front.admission, { ofAnyType: isBinaryEvent }),
    acceptEvents(front.ingest, { read: (body, ctx) => readTracked(body, ctx, mapping), answer: answerAccepted }),
  );
}

function readTracked(body: Buffer, ctx: Context, mapping: CloudEventsMapping): { readonly points: Point[] } {
  const reception = readReception(ctx);
  const cloudEvents = readCloudEvents(body, ctx, mapping, reception);
  if (cloudEvents !== undefined) return { points: cloudEvents };
  const read = LINE_TYPES.includes(ctx.request.type.toLowerCase()) ? readLineEvents : readJsonEvents;
  return { points: read(body, reception) };
}

function answerAccepted(ctx: Context, { points }: { readonly points: readonly Point[] }): void {
  ctx.status = 201;
  ctx.res.setHeader('Content-Type', 'application/json; charset=utf-8');
  ctx.body = `{"accepted":${points.length}}`;
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
