import type { Admission } from '../admission.js';
import { grantOf } from './authenticate.js';
import type { Context, Middleware } from './context.js';

/** Bytes that a request counts beside its body, for what Node.js and we keep of it. */
export const REQUEST_BYTES = 8192;

/**
 * Lets a request in where there is room for its body, before that is read where its length is announced, and out again
 * unless somebody took over what entered.
 */
export function admitBody(admission: Admission, maxBytes: number): Middleware {
  return async function admitBody(ctx, next) {
    const { application } = grantOf(ctx);
    const length = Number(ctx.req.headers['content-length'] ?? 0);
    // One that is too large is not read at all.
    const bytes = REQUEST_BYTES + (length > maxBytes ? 0 : length);
    admission.enter(bytes, application);
    ctx.state.pendingBytes = bytes;
    try {
      await next();
    } finally {
      admission.leave(takeOver(ctx), application);
    }
  };
}

/** What entered for the request, to leave when its points have: from now on that is the caller's matter. */
export function takeOver({ state }: Context): number {
  const bytes = state.pendingBytes ?? 0;
  state.pendingBytes = undefined;
  return bytes;
}

/** @throws TrackingError as `Admission.enter` */
export function admitMore(ctx: Context, admission: Admission, bytes: number): void {
  const { application } = grantOf(ctx);
  if (ctx.state.pendingBytes === undefined) return;
  if (bytes < 0) admission.leave(-bytes, application);
  else admission.enter(bytes, application);
  ctx.state.pendingBytes += bytes;
}

/**
 * Counts a body whose length is not announced while it comes. To be called in the turn in which somebody began to read
 * it, who is told by way of the stream where there is no more room.
 */
export function countChunks(ctx: Context, admission: Admission): void {
  const { req, state } = ctx;
  const count = (chunk: Buffer): void => {
    try {
      admitMore(ctx, admission, chunk.length);
    } catch (error) {
      admission.leave(takeOver(ctx), grantOf(ctx).application);
      req.emit('error', error);
    }
    // It was read, or refused and is thrown away.
    if (state.pendingBytes === undefined) req.off('data', count);
  };
  // Whoever reads has stopped to listen where the body was too large.
  req.on('data', count).on('error', () => undefined);
}
