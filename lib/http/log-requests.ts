import { randomUUID } from 'node:crypto';
import type { Logger } from '../log.js';
import type { Context, Middleware } from './context.js';

const SANE_ID = /^[\w.:/+=-]{1,128}$/;

/** Asked every few seconds by whoever watches over the service, and of no interest to anyone else. */
const QUIET_PATHS = new Set(['/health', '/health/', '/ready', '/ready/']);

/** Gives each request an id and writes a line when it is over. Query strings and headers, which may hold secrets, stay out. */
export function logRequests(logger: Logger): Middleware {
  // winston takes its time to tell, and it does not change.
  const writes = { info: logger.isLevelEnabled('info'), debug: logger.isLevelEnabled('debug') };
  return function logRequest(ctx, next) {
    const start = performance.now();
    const given = ctx.req.headers['x-request-id'];
    ctx.state.requestId = typeof given === 'string' && SANE_ID.test(given) ? given : randomUUID();
    ctx.res.setHeader('X-Request-Id', ctx.state.requestId);
    const level = QUIET_PATHS.has(ctx.path) ? 'debug' : 'info';
    if (writes[level]) {
      ctx.res.once('close', () => {
        logger.log(lineOf(ctx, level, performance.now() - start));
      });
    }
    return next();
  };
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
