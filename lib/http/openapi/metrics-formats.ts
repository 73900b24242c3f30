import { type ErrorCode, TrackingError } from '../../errors.js';
import { MAX_EVENTS_PER_REQUEST } from '../../event.js';
import { problemOf, STATUSES } from '../problem.js';
import { headersNamed } from './responses.js';
import { curl } from './samples.js';
import { type MediaType, type Operation, type Parameter, type Paths, type Response, schemaNamed } from './types.js';

const MOST = MAX_EVENTS_PER_REQUEST.toLocaleString('en');

const CREDENTIALS =
  'Credentials are a bearer token of `POST /o/token/`, or the client id and secret as HTTP Basic. Names that may not be so here are made fit; nothing is refused for its name.';

const REFUSALS: Readonly<Partial<Record<ErrorCode, string>>> = {
  invalid: 'The body is broken: a length goes on beyond the end.',
  unauthenticated: 'There are no credentials.',
  forbidden: 'This needs a token with the scope "write".',
  'too-large': `A request may carry at most ${MAX_EVENTS_PER_REQUEST} data points. Send them in several.`,
  'unsupported-media-type': 'Content-Encoding br is not accepted.',
  unprocessable: 'The database refuses 1 of 2 event(s); the others are stored.',
  'too-many-requests': '50000 events of this application wait for the store already.',
  internal: '',
  unavailable: 'The service is stopping.',
};

const EXPORT_REFUSALS = Object.keys(REFUSALS) as ErrorCode[];
/** Prometheus would drop what it is answered so; it gets 503. */
const WRITE_REFUSALS = EXPORT_REFUSALS.filter((code) => code !== 'too-many-requests');

const EXPORT = {
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }] },
      scopeMetrics: [
        {
          metrics: [
            { name: 'temperature', gauge: { dataPoints: [{ timeUnixNano: '1605179400000000000', asDouble: 21.5 }] } },
          ],
        },
      ],
    },
  ],
};

function encodings(...values: readonly string[]): Parameter {
  return {
    name: 'Content-Encoding',
    in: 'header',
    description: 'What the body is compressed with. The limit of 8 MiB holds as sent and inflated.',
    schema: { type: 'string', enum: values, default: 'identity' },
  };
}

const binary = (description: string): MediaType => ({ schema: { type: 'string', format: 'binary', description } });

const exportMetrics: Operation = {
  operationId: 'exportMetrics',
  tags: ['Tracking'],
  summary: 'Track metrics as OpenTelemetry sends them',
  description: `Takes OTLP/HTTP 1.x. The namespace is the resource's \`service.name\`, else its \`host.name\`, else \`otel\`; attributes become tags. Gauges, quantiles and sums that may fall are samples; sums that only rise, and counts, sums and buckets of histograms, are increases since the data point before, also where they are sent as cumulative.

At most ${MOST} data points with 100,000 buckets and quantiles and 500,000 attributes, and 8 MiB, a request. Data points that say no finite number, or have no time, and histograms without exactly one bucket more than bounds are left out and counted in \`partialSuccess\`. ${CREDENTIALS} Errors are a \`google.rpc.Status\` in the encoding of the request.`,
  security: [{ oauth2: ['write'] }],
  parameters: [encodings('gzip', 'x-gzip', 'identity')],
  requestBody: {
    required: true,
    content: {
      'application/json': {
        schema: { type: 'object', description: 'An `ExportMetricsServiceRequest` in JSON.' },
        examples: { gauge: { summary: 'One gauge', value: EXPORT } },
      },
      'application/x-protobuf': binary('An `ExportMetricsServiceRequest` in Protocol Buffers.'),
    },
  },
  responses: {
    200: {
      description: 'What is not counted in `partialSuccess` is durable.',
      headers: headersNamed(),
      content: {
        'application/json': {
          schema: schemaNamed('ExportMetricsResponse'),
          examples: {
            whole: { value: {} },
            part: {
              value: { partialSuccess: { rejectedDataPoints: '1', errorMessage: 'a value is NaN or infinite' } },
            },
          },
        },
        'application/x-protobuf': binary('An `ExportMetricsServiceResponse`.'),
      },
    },
    ...refusals(EXPORT_REFUSALS, (code) => ({
      'application/json': {
        schema: schemaNamed('RpcStatus'),
        examples: { [code]: { value: { code: 3, message: detailOf(code) } } },
      },
      'application/x-protobuf': binary('A `google.rpc.Status`.'),
    })),
  },
  'x-codeSamples': [
    curl({
      label: 'One gauge',
      path: '/v1/metrics',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(EXPORT),
    }),
  ],
};

const WRITTEN = 'X-Prometheus-Remote-Write-Samples-Written';

const remoteWrite: Operation = {
  operationId: 'remoteWrite',
  tags: ['Tracking'],
  summary: 'Track samples as Prometheus writes them',
  description: `Takes remote write 1.0 and, with \`Content-Type: application/x-protobuf;proto=io.prometheus.write.v2.Request\`, 2.0. The label \`job\` becomes the namespace (\`prometheus\` where there is none), \`__name__\` the name, all others tags; a sample that comes again counts once.

At most ${MOST} samples, with version 2.0 400,000 labels of all series together, and 8 MiB a request. Markers that a series has ended, and other NaN, are left out; infinite values and native histograms are left out and counted in \`X-Tracking-Samples-Dropped\`. Where samples lie at impossible times the others are stored all the same, and the answer is 400. ${CREDENTIALS} Errors are plain text.`,
  security: [{ oauth2: ['write'] }],
  parameters: [encodings('snappy', 'gzip', 'x-gzip', 'identity')],
  requestBody: {
    required: true,
    content: {
      'application/x-protobuf': binary('A `prometheus.WriteRequest` or an `io.prometheus.write.v2.Request`.'),
    },
  },
  responses: {
    204: {
      description: 'The samples are durable.',
      headers: {
        ...headersNamed(),
        [WRITTEN]: { description: 'How many samples were written.', schema: { type: 'integer' } },
        'X-Tracking-Samples-Dropped': { description: 'How many were left out.', schema: { type: 'integer' } },
      },
    },
    ...refusals(WRITE_REFUSALS, (code) => ({
      'text/plain': { schema: { type: 'string' }, examples: { [code]: { value: detailOf(code) } } },
    })),
  },
};

export const metricsFormats: Paths = {
  '/v1/metrics': { post: exportMetrics },
  '/api/v1/write': { post: remoteWrite },
};

function detailOf(code: ErrorCode): string {
  return problemOf(new TrackingError(code, REFUSALS[code] ?? '')).detail;
}

function refusals(
  codes: readonly ErrorCode[],
  contentOf: (code: ErrorCode) => Response['content'] & object,
): Record<string, Response> {
  return Object.fromEntries(
    codes.map((code) => {
      const waits = code === 'unavailable' || code === 'too-many-requests';
      return [
        STATUSES[code][0],
        {
          description: `${STATUSES[code][1]}.`,
          headers: headersNamed(...(waits ? (['Retry-After'] as const) : [])),
          content: contentOf(code),
        },
      ];
    }),
  );
}
