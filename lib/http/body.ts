import { koaBody } from 'koa-body';
import type { Admission } from '../admission.js';
import { TrackingError, messageOf } from '../errors.js';
import { admitBody, admitMore, countChunks } from './admit-body.js';
import type { Context, Middleware } from './context.js';
import { countGarbage } from './large-garbage.js';
import { type Compression, inflate, inflateSnappy } from './inflate.js';

export type { Compression } from './inflate.js';

/** For a body as it is sent, and again when it is inflated. */
export const MAX_BODY_BYTES = 8 * 2 ** 20;

export interface BodyOptions {
  /** What it may be compressed with; left out: gzip. */
  readonly compressions?: readonly Compression[] | undefined;
  /** Whether a body of any type is read all the same. */
  readonly ofAnyType?: (ctx: Context) => boolean;
}

const ANY_TYPE = 'application/octet-stream';

/**
 * Reads a body of one of the media types (of any where none are named), in UTF-8, plain or compressed, as far as there is
 * room; `takeBody` gives its bytes.
 *
 * koa-body does the reading: lengths, the limit, clients that hang up. An empty encoding makes it leave the bytes as
 * they are. Its own JSON reader would replace what is not UTF-8 instead of refusing it, and its own inflating leaves a
 * request waiting forever whose client hangs up in the middle of it, so neither sees the body before us.
 */
export function readBody(
  types: readonly string[] | undefined,
  admission: Admission,
  { compressions = ['gzip'], ofAnyType = () => types === undefined }: BodyOptions = {},
): Middleware[] {
  const readBytes = koaBody({
    json: false,
    urlencoded: false,
    textTypes: [...(types ?? []), ANY_TYPE],
    textLimit: MAX_BODY_BYTES,
    encoding: '',
    onError: (error) => {
      throw asTrackingError(error);
    },
  });
  const readAdmitted: Middleware = function readAdmitted(ctx, next) {
    const done: unknown = readBytes(ctx, next);
    if (ctx.req.headers['transfer-encoding'] !== undefined) countChunks(ctx, admission);
    return done;
  };
  return [
    refuseOtherContent(types ?? [], ofAnyType, compressions),
    admitBody(admission, MAX_BODY_BYTES),
    readAdmitted,
    inflateBody(admission),
  ];
}

/** The bytes of the body, inflated. They can be taken once, so that nothing keeps them from then on. */
export function takeBody(ctx: Context): Buffer {
  const body: unknown = ctx.request.body;
  setBody(ctx, undefined);
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0);
}

function refuseOtherContent(
  types: readonly string[],
  ofAnyType: (ctx: Context) => boolean,
  compressions: readonly Compression[],
): Middleware {
  return function refuseOtherContent(ctx, next) {
    const { headers } = ctx.req;
    // Most clients write the type just so, which saves taking it apart.
    if (!types.includes(headers['content-type'] ?? '')) {
      if (ofAnyType(ctx)) {
        ctx.state.contentType = headers['content-type'];
        headers['content-type'] = ANY_TYPE;
      } else refuseOtherType(ctx, types);
    }
    ctx.state.compression = takeEncoding(ctx, compressions);
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
function takeEncoding(ctx: Context, compressions: readonly Compression[]): Compression | undefined {
  const encoding = ctx.req.headers['content-encoding']?.trim().toLowerCase() ?? 'identity';
  if (encoding === 'identity') return undefined;
  const compression = compressions.find((one) => one === (encoding === 'x-gzip' ? 'gzip' : encoding));
  if (compression === undefined) {
    ctx.set('Accept-Encoding', compressions.join(', '));
    throw new TrackingError(
      'unsupported-media-type',
      `Content-Encoding ${encoding} is not accepted. Send the body as it is, or as ${compressions.join(' or ')}.`,
    );
  }
  delete ctx.req.headers['content-encoding'];
  return compression;
}

function inflateBody(admission: Admission): Middleware {
  return async function inflateBody(ctx, next) {
    const bytes = takeBody(ctx);
    ctx.state.bytes = bytes.length;
    const { compression } = ctx.state;
    let inflatedBytes = 0;
    const inflating = (length: number): void => {
      inflatedBytes += length;
      if (inflatedBytes > MAX_BODY_BYTES) throw tooLarge('inflated');
      admitMore(ctx, admission, length);
    };
    try {
      setBody(ctx, compression === undefined ? bytes : await inflated(bytes, compression, inflating));
    } finally {
      countGarbage(bytes.length + inflatedBytes);
    }
    if (compression !== undefined) admitMore(ctx, admission, -bytes.length);
    await next();
  };
}

/** Stops while it inflates, whatever the body claims to hold. */
async function inflated(bytes: Buffer, compression: Compression, inflating: (length: number) => void): Promise<Buffer> {
  try {
    return await (compression === 'gzip' ? inflate : inflateSnappy)(bytes, inflating);
  } catch (error) {
    if (error instanceof TrackingError) throw error;
    throw new TrackingError('invalid', `The body is broken ${compression}: ${messageOf(error)}.`);
  }
}

function setBody(ctx: Context, body: Buffer | undefined): void {
  (ctx.request as { body?: unknown }).body = body;
}

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
