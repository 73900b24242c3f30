import type { RouterInstance } from '@koa/router';
import type { Authenticator } from '../../access.js';
import type { Point } from '../../event.js';
import { grantOf } from '../authenticate.js';
import type { Context, RequestState } from '../context.js';
import { type AgentFormat, type Front, type Intake, receive, refuseForeignNamespaces } from '../intake.js';
import { RecentlyUsed } from '../recently-used.js';
import { addUp } from './adding-up.js';
import { answerExport, asStatus, JSON_TYPE, type PartialSuccess, PROTOBUF } from './answer.js';
import type { Attributes } from './attributes.js';
import { CumulativeStreams, type StreamsOptions } from './cumulative-streams.js';
import { readJsonMetrics } from './json.js';
import { Limits } from './limits.js';
import type { ResourceMetrics } from './metrics.js';
import { readProtobufMetrics } from './protobuf.js';
import { type Readings, readingsOf } from './readings.js';
import { Streams, type TagChoice } from './streams.js';

export interface OpenTelemetryOptions extends Pick<StreamsOptions, 'horizon'> {
  readonly choice: TagChoice;
}

interface Export extends Intake {
  readonly partialSuccess: PartialSuccess | undefined;
}

/** `POST /v1/metrics`: OTLP/HTTP 1.x (https://opentelemetry.io/docs/specs/otlp/#otlphttp). */
export function routeOpenTelemetry(
  router: RouterInstance<RequestState>,
  authenticator: Authenticator,
  front: Front,
  { choice, ...options }: OpenTelemetryOptions & StreamsOptions,
): void {
  const streams = new Streams(choice);
  const cumulative = new CumulativeStreams(options);
  const read = readerOfMetrics();
  const format: AgentFormat<Export> = {
    types: [PROTOBUF, JSON_TYPE],
    errorForm: asStatus,
    read: async (body, ctx) => {
      const readings = readingsOf(read(body, ctx), streams);
      // Nobody may make the streams of others wait, or be forgotten.
      refuseForeignNamespaces(
        readings.cumulative.map(({ stream }) => stream),
        grantOf(ctx).namespaces,
      );
      const { increases, states, conclude } = await cumulative.increasesOf(readings.cumulative);
      const points: Point[] = [...readings.samples, ...states, ...addUp([...readings.increases, ...increases])];
      return { points, conclude, partialSuccess: partialSuccessOf(readings) };
    },
    answer: (ctx, { partialSuccess }) => {
      answerExport(ctx, partialSuccess);
    },
  };
  router.post('/v1/metrics', ...receive(format, authenticator, front));
}

function readerOfMetrics(): (body: Buffer, ctx: Context) => ResourceMetrics[] {
  const recent = (): RecentlyUsed<Attributes> => new RecentlyUsed(({ bytes }) => bytes);
  const attributes = { json: recent(), protobuf: recent() };
  return (body, ctx) => {
    const limits = new Limits();
    return ctx.request.type.toLowerCase() === JSON_TYPE
      ? readJsonMetrics(body, { limits, attributes: attributes.json })
      : readProtobufMetrics(body, { limits, attributes: attributes.protobuf });
  };
}

function partialSuccessOf({ rejected, reasons }: Readings): PartialSuccess | undefined {
  if (rejected === 0) return undefined;
  return {
    rejectedDataPoints: rejected,
    errorMessage: `${rejected} data point(s) are not stored, the others are: ${[...reasons].join('; ')}.`,
  };
}
