import { type ErrorCode, TrackingError } from '../../errors.js';
import { MAX_EVENTS_PER_REQUEST } from '../../event.js';
import { MAX_POINTS_PER_REQUEST, MAX_SERIES_CHARACTERS } from '../../line-limits.js';
import type { ErrorAnswer } from '../context.js';
import { influxDB1Error, influxDB2Error } from '../influxdb-errors.js';
import { type Problem, problemOf, STATUSES } from '../problem.js';
import { headersNamed } from './responses.js';
import { curl, shell, ADDRESS } from './samples.js';
import { type MediaType, type Operation, type Parameter, type Paths, type Response, schemaNamed } from './types.js';

const LINES =
  'Server-1,host=web-1 cpu=42,memory=0.73 1605179400000000000\nServer-1,host=web-2 cpu=7i 1605179400000000000';

const REFUSALS: Readonly<Partial<Record<ErrorCode, string>>> = {
  invalid: 'Nothing was stored: 1 of 2 line(s) are not right.',
  unauthenticated: 'There are no credentials.',
  forbidden: 'This needs a token with the scope "write".',
  'too-large': `A request may carry at most ${MAX_EVENTS_PER_REQUEST} lines. Send them in several.`,
  'unsupported-media-type': 'Content-Encoding br is not accepted. Send the body as it is, or as gzip.',
  unprocessable: 'The database refuses 1 of 2 event(s); the others are stored.',
  'too-many-requests':
    '50000 events of this application wait for the store already. Nothing of this request was stored.',
  internal: '',
  unavailable: 'The service is stopping.',
};

const strings: Parameter = {
  name: 'strings',
  in: 'query',
  description:
    'What becomes of fields that hold a string: the request is refused, or they are dropped and counted in the header `X-Dropped-Strings` of the answer. Where it is left out, as `LINE_PROTOCOL_STRINGS` says.',
  schema: { type: 'string', enum: ['refuse', 'drop'] },
  examples: { drop: { value: 'drop' } },
};

function precision(values: readonly string[]): Parameter {
  return {
    name: 'precision',
    in: 'query',
    description: 'The unit of the timestamps.',
    schema: { type: 'string', enum: values, default: 'ns' },
  };
}

const encoding: Parameter = {
  name: 'Content-Encoding',
  in: 'header',
  description: '`gzip` for a compressed body.',
  schema: { type: 'string', enum: ['gzip', 'x-gzip', 'identity'], default: 'identity' },
};

const lines: MediaType = {
  schema: { type: 'string', description: 'Line protocol in UTF-8; the media type does not matter.' },
  examples: { lines: { summary: 'Three values of two hosts', value: LINES } },
};

const MAPPING = `Each field becomes an event: the measurement is its namespace, the key of the field its name, the number its value (integers to the nearest double, booleans as 1 and 0), the tags its tags. Names that may not be so here are made fit, and nothing is refused for its name. With a timestamp an event is a sample: sent again it counts once, and the last value stays; without one it has the time of receipt and is itself.

At most ${MAX_EVENTS_PER_REQUEST.toLocaleString('en')} lines, ${MAX_POINTS_PER_REQUEST.toLocaleString('en')} fields and 8 MiB a request, all or nothing; the series that it has and the service has not, each with all its tags, may have ${MAX_SERIES_CHARACTERS.toLocaleString('en')} characters together. Other parameters that clients of InfluxDB send are let be.`;

const writeLines: Operation = {
  operationId: 'writeLines',
  tags: ['Tracking'],
  summary: 'Track events as clients of InfluxDB 2 do',
  description: `Takes line protocol, as InfluxDB 2 reads it. ${MAPPING} Errors come in InfluxDB's form.\n\nCredentials are a bearer token of \`POST /o/token/\`, or the client id and secret as \`Authorization: Token CLIENT_ID:CLIENT_SECRET\` or HTTP Basic.`,
  security: [{ oauth2: ['write'] }],
  parameters: [precision(['ns', 'us', 'ms', 's']), strings, encoding],
  requestBody: { required: true, content: { 'text/plain': lines } },
  responses: answers('InfluxDBError', influxDB2Error),
  'x-codeSamples': [
    curl({ label: 'Two hosts', path: '/api/v2/write', body: LINES }),
    curl({ label: 'Strings dropped, compressed', path: '/api/v2/write?strings=drop', body: LINES, gzip: true }),
  ],
};

const writeLines1: Operation = {
  operationId: 'writeLinesAsInfluxDB1',
  tags: ['Tracking'],
  summary: 'Track events as clients of InfluxDB 1 do',
  description: `As \`POST /api/v2/write\`, with the precisions and errors of InfluxDB 1.`,
  security: [{ oauth2: ['write'] }],
  parameters: [precision(['n', 'ns', 'u', 'us', 'µ', 'µs', 'ms', 's', 'm', 'h']), strings, encoding],
  requestBody: { required: true, content: { 'text/plain': lines } },
  responses: answers('InfluxDB1Error', influxDB1Error),
};

const ping: Operation = {
  operationId: 'ping',
  tags: ['Operation'],
  summary: 'Is somebody there?',
  description:
    'Clients of InfluxDB ask so. The headers `X-Influxdb-Version` and `X-Influxdb-Build` say what they may send.',
  security: [],
  responses: { 204: { description: 'Yes.', headers: headersNamed() } },
  'x-codeSamples': [shell('Ping', `curl -si '${ADDRESS}/ping'`)],
};

export const lineProtocol: Paths = {
  '/api/v2/write': { post: writeLines },
  '/write': { post: writeLines1 },
  '/ping': { get: ping },
};

function answers(schema: string, form: (problem: Problem) => ErrorAnswer): Record<string, Response> {
  const dropped = {
    description: 'How many fields were dropped, as they hold strings.',
    schema: { type: 'integer' as const },
  };
  return {
    204: { description: 'The events are durable.', headers: { ...headersNamed(), 'X-Dropped-Strings': dropped } },
    ...Object.fromEntries(
      Object.entries(REFUSALS).map(([name, detail]) => {
        const code = name as ErrorCode;
        const mistakes =
          code === 'invalid' ? [{ message: 'line 2 has a tag "host" without a value: leave such a tag out' }] : [];
        const value: unknown = JSON.parse(
          String(form(problemOf(new TrackingError(code, detail, { mistakes }), 'b1c0ffee')).body),
        );
        return [
          STATUSES[code][0],
          {
            description: `${STATUSES[code][1]}.`,
            headers: headersNamed(
              ...(code === 'unsupported-media-type' ? (['Accept-Encoding'] as const) : []),
              ...(code === 'unavailable' || code === 'too-many-requests' ? (['Retry-After'] as const) : []),
            ),
            content: { 'application/json': { schema: schemaNamed(schema), examples: { [code]: { value } } } },
          },
        ];
      }),
    ),
  };
}
