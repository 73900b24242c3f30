import { randomUUID } from 'node:crypto';
import type { Logger } from '../log.js';
import type { Context, Middleware } from './context.js';
import type { Meter } from './metrics.js';

const SANE_ID = /^[\w.:/+=-]{1,128}$/;

/** Asked every few seconds by whoever watches over the service, and of no interest to anyone else. */
const QUIET_PATHS = new Set(['/health', '/health/', '/ready', '/ready/', '/metrics', '/metrics/']);

/** Gives each request an id, and when it is over counts it and writes a line. Query strings and headers, which may hold secrets, stay out. */
export function logRequests(logger: Logger, meter: Pick<Meter, 'request'>): Middleware {
  // winston takes its time to tell, and it does not change.
  const writes = { info: logger.isLevelEnabled('info'), debug: logger.isLevelEnabled('debug') };
  return function logRequest(ctx, next) {
    const start = performance.now();
    const given = ctx.req.headers['x-request-id'];
    ctx.state.requestId = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
    ctx.res.setHeader('X-Request-Id', ctx.state.requestId);
    ctx.res.once('close', () => {
      const milliseconds = performance.now() - start;
      meter.request(routeOf(ctx), ctx.req.method ?? '', ctx.res.statusCode, milliseconds / 1000, ctx.state.refusal);
      const level = QUIET_PATHS.has(ctx.path) ? 'debug' : 'info';
      if (writes[level]) logger.log(lineOf(ctx, level, milliseconds));
    });
    return next();
  };
}

/** The route and not the path, so that there are only so many. */
function routeOf(ctx: Context): string {
  const { _matchedRoute: route } = ctx as { _matchedRoute?: unknown };
  if (typeof route === 'string') return route;
  return ctx.path.startsWith('/o/') ? '/o' : 'other';
}

function lineOf({ req, res, path, state }: Context, level: string, milliseconds: number) {
  return {
    level,
    message: 'request',
    requestId: state.requestId,
    method: req.method,
    path,
    status: res.headersSent ? res.statusCode : undefined,
    milliseconds: Math.round(milliseconds * 100) / 100,
    application: state.grant?.application,
    bytes: state.bytes,
    events: state.events,
    aborted: res.writableFinished ? undefined : true,
  };
}
