import { SCOPES } from '../../access.js';
import { type ErrorCode, TrackingError } from '../../errors.js';
import { STATUSES, problemOf } from '../problem.js';
import { errorGuide } from './error-guide.js';
import { type Header, type Reference, type Response, type Schema, schemaNamed } from './types.js';

/** `components.headers` of the document. */
export const headers = {
  'X-Request-Id': {
    description:
      'What leads to the request in the log of the service: the one that was sent, if it is sane, or a new one.',
    schema: { type: 'string' },
    required: true,
  },
  'Retry-After': {
    description: 'Seconds after which the same request makes sense again.',
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': {
    description: `RFC 6750 §3: \`invalid_token\`, or \`insufficient_scope\` with the scope that is needed (${SCOPES.join(', ')}); no error where no token came.`,
    schema: { type: 'string' },
  },
  'Accept-Encoding': {
    description: 'Which encodings of bodies are read, where the one that was sent is not.',
    schema: { type: 'string' },
  },
  Link: {
    description: 'RFC 8288: the address of the next page, relative to this one, with `rel="next"`. Absent on the last.',
    schema: { type: 'string' },
  },
} satisfies Record<string, Header>;

type HeaderName = keyof typeof headers;

const ERROR_HEADERS: Readonly<Partial<Record<ErrorCode, HeaderName>>> = {
  unauthenticated: 'WWW-Authenticate',
  forbidden: 'WWW-Authenticate',
  'unsupported-media-type': 'Accept-Encoding',
  'too-many-requests': 'Retry-After',
  unavailable: 'Retry-After',
};

const EXAMPLE_DETAILS: Readonly<Record<ErrorCode, string>> = {
  invalid: 'Nothing was stored: 1 of 2 event(s) are not right.',
  unauthenticated: 'The token has expired. Ask /o/token/ for a new one.',
  forbidden: 'This needs a token with the scope "write".',
  'not-found': 'There is nothing at /api/trak. Did you mean /api/track/?',
  'method-not-allowed': 'GET is not allowed at /api/track/; POST, OPTIONS are.',
  'not-acceptable': 'Answers come as application/json, text/csv, application/x-ndjson; Accept names none of them.',
  'too-large': 'A request may carry at most 10000 events, and this one has 12000. Send them in several.',
  'unsupported-media-type': 'Content-Encoding br is not accepted. Send the body as it is, or as gzip.',
  unprocessable:
    'That would be more than 100000 windows between the first and the last event in the range. Ask for granularity=day or for a shorter range.',
  'too-many-requests':
    'More requests of this application are being read or wait for the store than may. Nothing of this request was stored.',
  internal: '',
  unavailable: 'The store did not answer in time. Its events may be stored later.',
};

/** A problem of each code, as it comes over the wire. */
export function exampleProblem(code: ErrorCode): object {
  const mistakes =
    code === 'invalid' ? [{ index: 1, path: 'value', message: 'value must be a finite number' }] : undefined;
  return problemOf(new TrackingError(code, EXAMPLE_DETAILS[code], mistakes && { mistakes }), 'b1c0ffee');
}

/** `components.responses` of the document: one for each code. */
export const responses: Readonly<Record<string, Response>> = Object.fromEntries(
  (Object.keys(STATUSES) as ErrorCode[]).map((code) => {
    const header = ERROR_HEADERS[code];
    return [
      code,
      {
        description: `${STATUSES[code][1]}. ${errorGuide[code].meaning}`,
        headers: headersNamed(...(header === undefined ? [] : [header])),
        content: {
          'application/problem+json': {
            schema: schemaNamed('Problem'),
            examples: { [code]: { value: exampleProblem(code) } },
          },
        },
      },
    ];
  }),
);

/** The refusals that an operation may answer with, by status. */
export function refusals(...codes: readonly ErrorCode[]): Record<string, Reference> {
  return Object.fromEntries(codes.map((code) => [STATUSES[code][0], { $ref: `#/components/responses/${code}` }]));
}

/** References to headers; every answer has `X-Request-Id`. */
export function headersNamed(...names: readonly HeaderName[]): Record<string, Reference> {
  return Object.fromEntries(
    (['X-Request-Id', ...names] as const).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

/** A JSON answer, perhaps with an example. */
export function answerOf(description: string, schema: Schema, example?: unknown): Response {
  const examples = example === undefined ? {} : { examples: { example: { value: example } } };
  return { description, headers: headersNamed(), content: { 'application/json': { schema, ...examples } } };
}
