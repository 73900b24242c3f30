import type { RouterInstance } from '@koa/router';
import type { Authenticator } from '../../access.js';
import { TrackingError } from '../../errors.js';
import type { Series } from '../../event.js';
import type { Context, ErrorForm, Middleware, RequestState } from '../context.js';
import { type AgentFormat, type Front, type Intake, receive } from '../intake.js';
import { RecentlyUsed } from '../recently-used.js';
import type { Samples } from './samples.js';
import { readVersion1 } from './version-1.js';
import { readVersion2 } from './version-2.js';

export const PROTOBUF = 'application/x-protobuf';
export const VERSION_1 = 'prometheus.WriteRequest';
export const VERSION_2 = 'io.prometheus.write.v2.Request';

/** What a series takes beside its key. */
const SERIES_BYTES = 800;

interface Written extends Intake {
  readonly samples: Samples;
}

/** `POST /api/v1/write`: Prometheus remote write 1.0 and 2.0. */
export function routeRemoteWrite(
  router: RouterInstance<RequestState>,
  authenticator: Authenticator,
  front: Front,
): void {
  const recent = (): RecentlyUsed<Series> => new RecentlyUsed(({ key }) => SERIES_BYTES + 2 * key.length);
  const known = { [VERSION_1]: recent(), [VERSION_2]: recent() };
  const format: AgentFormat<Written> = {
    types: [PROTOBUF],
    compressions: ['snappy', 'gzip'],
    errorForm: asText,
    read: (body, ctx) => {
      const version = versionOf(ctx);
      const samples = (version === VERSION_2 ? readVersion2 : readVersion1)(body, known[version]);
      return { points: samples.points, samples };
    },
    answer: (ctx, { samples }) => {
      answerWritten(ctx, samples);
    },
  };
  router.post('/api/v1/write', askToRetry, ...receive(format, authenticator, front));
}

/** Prometheus drops what is answered 429, unless its `retry_on_http_429` is set, and sends again what is answered 503. */
const askToRetry: Middleware = async function askToRetry(_ctx, next) {
  try {
    await next();
  } catch (error) {
    if (!(error instanceof TrackingError) || error.code !== 'too-many-requests') throw error;
    const { message, retryAfter = 1 } = error;
    throw new TrackingError('unavailable', message, { retryAfter, cause: error });
  }
};

/** Which message the body is: the parameter `proto` of its type, the older one where there is none. */
function versionOf({ req }: Context): typeof VERSION_1 | typeof VERSION_2 {
  const [, proto = VERSION_1] = /;\s*proto="?([^";\s]*)/i.exec(req.headers['content-type'] ?? '') ?? [];
  if (proto === VERSION_1 || proto === VERSION_2) return proto;
  throw new TrackingError(
    'unsupported-media-type',
    `The message ${proto} is not known. Send ${VERSION_1} or ${VERSION_2}.`,
  );
}

/**
 * 204 where everything that can be stored is stored. Samples at impossible times are the sender's mistake: 400, on which
 * it drops the request; the others are stored all the same, as the specification of 2.0 has it (Partial Write).
 */
function answerWritten(ctx: Context, { written, infinite, outOfRange, histograms }: Samples): void {
  ctx.set('X-Prometheus-Remote-Write-Samples-Written', String(written));
  ctx.set('X-Prometheus-Remote-Write-Histograms-Written', '0');
  ctx.set('X-Prometheus-Remote-Write-Exemplars-Written', '0');
  ctx.set('X-Tracking-Samples-Dropped', String(infinite + outOfRange + histograms));
  if (outOfRange > 0) {
    throw new TrackingError(
      'invalid',
      `${outOfRange} sample(s) lie at times that cannot be stored (from 1677-09-23 to 2262-04-09 is possible); the other ${written} are stored.`,
    );
  }
  ctx.status = 204;
}

/** Prometheus writes the first line of it into its log. */
const asText: ErrorForm = ({ detail }) => ({ type: 'text/plain; charset=utf-8', body: detail });
