import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { koaBody } from 'koa-body';
import { TrackingError, messageOf } from '../errors.js';
import type { Context, Middleware } from './context.js';

/** For a body as it is sent, and again when it is inflated. */
export const MAX_BODY_BYTES = 8 * 2 ** 20;

const inflate = promisify(gunzip);

/**
 * Reads a body of one of the media types, in UTF-8, plain or as gzip; `bodyOf` gives its bytes.
 *
 * koa-body does the reading: lengths, the limit, clients that hang up. An empty encoding makes it leave the bytes as
 * they are. Its own JSON reader would replace what is not UTF-8 instead of refusing it, and its own inflating leaves a
 * request waiting forever whose client hangs up in the middle of it, so neither sees the body before us.
 */
export function readBody(types: readonly string[]): Middleware[] {
  const readBytes = koaBody({
    json: false,
    urlencoded: false,
    textTypes: [...types],
    textLimit: MAX_BODY_BYTES,
    encoding: '',
    onError: (error) => {
      throw asTrackingError(error);
    },
  });
  return [refuseOtherContent(types), readBytes, inflateBody];
}

/** The bytes of the body, inflated. */
export function bodyOf(ctx: Context): Buffer {
  const body: unknown = ctx.request.body;
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

function refuseOtherContent(types: readonly string[]): Middleware {
  return function refuseOtherContent(ctx, next) {
    // Most clients write the type just so, which saves taking it apart.
    if (!types.includes(ctx.req.headers['content-type'] ?? '')) refuseOtherType(ctx, types);
    ctx.state.gzip = takeEncoding(ctx) === 'gzip';
    return next();
  };
}

function refuseOtherType({ request }: Context, types: readonly string[]): void {
  const type = request.type.trim().toLowerCase();
  if (!types.includes(type)) {
    const found = type === '' ? 'The request has no Content-Type' : `Content-Type ${type} is not accepted`;
    throw new TrackingError('unsupported-media-type', `${found}. Send one of ${types.join(', ')}.`);
  }
  const charset = request.charset.toLowerCase();
  if (charset !== '' && charset !== 'utf-8' && charset !== 'utf8') {
    throw new TrackingError('unsupported-media-type', `The charset ${charset} is not accepted. Send UTF-8.`);
  }
}

/** What the body is compressed with. The header is taken away, so that koa-body gives the bytes as they were sent. */
function takeEncoding(ctx: Context): 'gzip' | 'identity' {
  const encoding = ctx.req.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return encoding;
  if (encoding !== 'gzip' && encoding !== 'x-gzip') {
    ctx.set('Accept-Encoding', 'gzip');
    throw new TrackingError(
      'unsupported-media-type',
      `Content-Encoding ${encoding} is not accepted. Send the body as it is, or as gzip.`,
    );
  }
  delete ctx.req.headers['content-encoding'];
  return 'gzip';
}

const inflateBody: Middleware = function inflateBody(ctx, next) {
  const bytes = bodyOf(ctx);
  ctx.state.bytes = bytes.length;
  if (!ctx.state.gzip) return next();
  // maxOutputLength stops it while it inflates, whatever the body claims to hold.
  return inflate(bytes, { maxOutputLength: MAX_BODY_BYTES }).then(
    (inflated) => {
      (ctx.request as { body?: unknown }).body = inflated;
      return next();
    },
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge('inflated');
      throw new TrackingError('invalid', `The body is broken gzip: ${messageOf(error)}.`);
    },
  );
};

function asTrackingError(error: Error): Error {
  const { status } = error as { status?: unknown };
  if (status === 413) return tooLarge('sent');
  if (status === 400) return new TrackingError('invalid', `The body could not be read: ${error.message}.`);
  return error;
}

function tooLarge(when: string): TrackingError {
  return new TrackingError(
    'too-large',
    `A request may carry at most 8 MiB (${MAX_BODY_BYTES} bytes), as sent and inflated; this one has more as ${when}. Send it in several.`,
  );
}
