import { isUtf8 } from 'node:buffer';
import type { RouterInstance } from '@koa/router';
import type { Authenticator } from '../access.js';
import { TrackingError } from '../errors.js';
import { LineProtocol, type LinesRead, type Precision, type StringFields } from '../line-protocol.js';
import { now } from '../time.js';
import type { Context, RequestState } from './context.js';
import { influxDB1Error, influxDB2Error } from './influxdb-errors.js';
import { type AgentFormat, type Front, receive } from './intake.js';
import { mistakenParameters, type Parameter, readParameters } from './parameters.js';

/** How lines are taken, and who is told. */
export interface LineProtocolOptions {
  /** What becomes of strings where the request does not say. */
  readonly strings: StringFields;
  /** Told how many fields of a request that is accepted were dropped, where there were any. */
  readonly dropped: (strings: number) => void;
}

type Precisions = Readonly<Record<string, Precision>>;

/** As InfluxDB 2 calls them. */
const PRECISIONS_2: Precisions = { ns: 'ns', us: 'us', ms: 'ms', s: 's' };

/** As InfluxDB 1 and its clients do. */
const PRECISIONS_1: Precisions = {
  n: 'ns',
  ns: 'ns',
  u: 'us',
  us: 'us',
  µ: 'us',
  µs: 'us',
  ms: 'ms',
  s: 's',
  m: 'm',
  h: 'h',
};

/** What a version looks like to clients that choose by it what they send. */
const VERSION = 'v2.7.0-tracking-api';

/**
 * Where clients of InfluxDB send: `POST /api/v2/write` (2.x), `POST /write` (1.x), and `/ping`, by which they look
 * whether somebody is there. Which bucket, organization or database they name does not matter.
 */
export function routeLineProtocol(
  router: RouterInstance<RequestState>,
  authenticator: Authenticator,
  front: Front,
  options: LineProtocolOptions,
): void {
  const protocol = new LineProtocol();
  const format = (precisions: Precisions, errorForm: AgentFormat<LinesRead>['errorForm']): AgentFormat<LinesRead> => ({
    errorForm,
    read: (body, ctx) => readLines(protocol, precisions, options, body, ctx),
    answer: (ctx, { droppedStrings }) => {
      ctx.status = 204;
      if (droppedStrings === 0) return;
      ctx.res.setHeader('X-Dropped-Strings', droppedStrings);
      options.dropped(droppedStrings);
    },
  });
  router.post('/api/v2/write', ...receive(format(PRECISIONS_2, influxDB2Error), authenticator, front));
  router.post('/write', ...receive(format(PRECISIONS_1, influxDB1Error), authenticator, front));
  router.get('/ping', (ctx) => {
    ctx.res.setHeader('X-Influxdb-Version', VERSION);
    ctx.res.setHeader('X-Influxdb-Build', 'OSS');
    ctx.status = 204;
  });
}

function readLines(
  protocol: LineProtocol,
  precisions: Precisions,
  { strings }: LineProtocolOptions,
  body: Buffer,
  ctx: Context,
): LinesRead {
  const parameters = readParameters(ctx.querystring);
  const reception = {
    precision: oneOf(parameters, 'precision', precisions) ?? 'ns',
    strings: oneOf(parameters, 'strings', { refuse: 'refuse', drop: 'drop' } as const) ?? strings,
    receivedAt: now(),
  };
  if (!isUtf8(body)) throw new TrackingError('invalid', 'The body is not valid UTF-8.');
  return protocol.read(body, reception);
}

/** Other parameters are let be: clients send many. */
function oneOf<Value>(
  parameters: readonly Parameter[],
  name: string,
  values: Readonly<Record<string, Value>>,
): Value | undefined {
  const [, text = ''] = parameters.find(([key]) => key === name) ?? [];
  if (text === '') return undefined;
  const value = Object.hasOwn(values, text) ? values[text] : undefined;
  if (value !== undefined) return value;
  const message = `${name} must be one of ${Object.keys(values).join(', ')}, not "${text}"`;
  throw mistakenParameters([{ path: name, message }]);
}
