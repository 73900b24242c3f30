import Router from '@koa/router';
import Koa from 'koa';
import type { Authenticator } from '../access.js';
import type { Admission } from '../admission.js';
import type { Logger } from '../log.js';
import type { Reader } from '../store.js';
import { authenticate } from './authenticate.js';
import type { CloudEventsMapping } from './cloudevents/mapping.js';
import type { Middleware, RequestState } from './context.js';
import { type Deleter, routeDeletion } from './deletion.js';
import { routeDiscovery } from './discovery.js';
import { routeDocs } from './docs.js';
import { routeEvents } from './events.js';
import { type ReadinessCheck, routeHealth } from './health.js';
import type { Acceptor } from './intake.js';
import { type LineProtocolOptions, routeLineProtocol } from './line-protocol.js';
import { logRequests } from './log-requests.js';
import { type Meter, routeMetrics } from './metrics.js';
import { answerNotFound } from './not-found.js';
import { type OpenTelemetryOptions, routeOpenTelemetry } from './opentelemetry/route.js';
import { answerProblems } from './problem.js';
import { routeRemoteWrite } from './remote-write/route.js';
import { routeTrack } from './track.js';

/** What the front door opens onto. */
export interface AppOptions {
  readonly ingest: Acceptor;
  readonly admission: Admission;
  readonly store: Reader;
  readonly deleter: Deleter;
  readonly authenticator: Authenticator;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly readiness: readonly ReadinessCheck[];
  /** What of a CloudEvent becomes what. */
  readonly cloudEvents: CloudEventsMapping;
  readonly lineProtocol: LineProtocolOptions;
  readonly opentelemetry: OpenTelemetryOptions;
  /** Middlewares of other folders, asked in turn for every path that is not ours. */
  readonly mounts: readonly Koa.Middleware[];
}

/** The whole of the service over HTTP, as a Koa application. */
export function createApp({
  ingest,
  admission,
  store,
  deleter,
  authenticator,
  logger,
  meter,
  readiness,
  cloudEvents,
  lineProtocol,
  opentelemetry,
  mounts,
}: AppOptions): Koa {
  const authenticated = authenticate(authenticator);
  const router = new Router<RequestState>();
  routeTrack(router, authenticated, { ingest, admission }, cloudEvents);
  routeLineProtocol(router, authenticator, { ingest, admission }, lineProtocol);
  routeOpenTelemetry(router, authenticator, { ingest, admission }, { ...opentelemetry, reader: store });
  routeRemoteWrite(router, authenticator, { ingest, admission });
  routeEvents(router, authenticated, store);
  routeDeletion(router, authenticated, deleter);
  routeDiscovery(router, authenticated, store);
  routeHealth(router, readiness, logger);
  routeMetrics(router, meter);
  routeDocs(router);

  const app = new Koa<RequestState>();
  answerProblems(app, logger);
  app.use(logRequests(logger, meter)).use(protect).use(router.routes());
  for (const mount of mounts) app.use(mount);
  app.use(answerNotFound);
  return app;
}

/** Answers are read by programs, and are other ones the next time. */
const protect: Middleware = function protect(ctx, next) {
  ctx.res.setHeader('X-Content-Type-Options', 'nosniff');
  ctx.res.setHeader('Cache-Control', 'no-store');
  return next();
};
