import type Koa from 'koa';
import { type ErrorCode, type Mistake, TrackingError, messageOf } from '../errors.js';
import type { Logger } from '../log.js';
import type { Context, ErrorForm } from './context.js';
import { answerEarly } from './early-answer.js';

/** Problem Details for HTTP APIs, RFC 9457. */
export interface Problem {
  /** A reference to where the documentation explains it. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly errors?: readonly Mistake[];
  /** How many there are, where `errors` lists only the first. */
  readonly errorCount?: number;
  /** For a defect of ours: what to tell us. */
  readonly requestId?: string;
}

/** The one map from our errors to HTTP. */
export const STATUSES: Readonly<Record<ErrorCode, readonly [status: number, title: string]>> = {
  invalid: [400, 'The request is malformed'],
  unauthenticated: [401, 'A valid bearer token is needed'],
  forbidden: [403, 'The application may not do this'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'This method is not allowed here'],
  'not-acceptable': [406, 'There is no such representation'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'This kind of content is not accepted'],
  unprocessable: [422, 'The request cannot be fulfilled'],
  'too-many-requests': [429, 'Too many requests'],
  internal: [500, 'Something went wrong on our side'],
  unavailable: [503, 'The service cannot do this now'],
};

/** Where the documentation explains errors, each under its code. */
const TYPE = '/docs/errors#';

/** Seconds, where whoever refused did not say. */
const RETRY_AFTER = 5;

// How Node's sockets and streams and raw-body say that the client went away.
const GONE = new Set(['ECONNABORTED', 'ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE']);

/** What the client is told of an error; of anything unforeseen, nothing but where to find it in the log. */
export function problemOf(error: unknown, requestId?: string): Problem {
  const known = error instanceof TrackingError ? error : asTrackingError(error);
  const [status, title] = STATUSES[known.code];
  const ours = known.code === 'internal';
  const { mistakes, mistakeCount } = known;
  return {
    type: TYPE + known.code,
    title,
    status,
    detail: ours ? 'This is a defect of the service. The request id leads to it in the log.' : known.message,
    ...(mistakes.length > 0 && { errors: mistakes }),
    ...(mistakeCount > mistakes.length && { errorCount: mistakeCount }),
    ...(status >= 500 && requestId !== undefined && { requestId }),
  };
}

/** Errors of Koa and its middlewares carry a status, and `expose` where their words are meant for the client. */
function asTrackingError(error: unknown): TrackingError {
  const { status, expose } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const code = (Object.keys(STATUSES) as ErrorCode[]).find((candidate) => STATUSES[candidate][0] === status);
  return new TrackingError(code && expose === true ? code : 'internal', messageOf(error), { cause: error });
}

/** Answers every error of an application with a problem, and logs what is not the client's mistake. */
export function answerProblems(app: Koa, logger: Logger): void {
  app.on('error', (error: unknown, ctx?: Context) => {
    logFailure(logger, error, ctx?.state.requestId);
  });
  // Koa calls it for what a middleware throws, for what breaks a stream under way, and with nothing when all went well.
  app.context.onerror = function (this: Context, error: unknown): void {
    // It calls twice for one broken stream.
    if (error === null || error === undefined || error === this.state.failure) return;
    this.state.failure = error;
    if (!this.res.headersSent && this.writable) answerProblem(this, error, logger);
    else if (!GONE.has(codeOf(error))) logFailure(logger, error, this.state.requestId);
  };
}

function answerProblem(ctx: Context, error: unknown, logger: Logger): void {
  const { req, res, state } = ctx;
  const problem = problemOf(error, state.requestId);
  state.refusal = codeIn(problem);
  if (problem.status >= 500) logFailure(logger, error, state.requestId);
  for (const name of ['Content-Encoding', 'Link', 'Transfer-Encoding', 'Vary']) res.removeHeader(name);
  if (problem.status === 503 || problem.status === 429) {
    const { retryAfter = RETRY_AFTER } = error as { readonly retryAfter?: number };
    res.setHeader('Retry-After', Math.max(1, Math.ceil(retryAfter)));
  }
  const { type, body, headers = {} } = (state.errorForm ?? asProblem)(problem, ctx);
  res.statusCode = problem.status;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.setHeader('Content-Type', type);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  answerEarly(req, res, req.method === 'HEAD' ? '' : body);
}

const asProblem: ErrorForm = (problem) => ({
  type: 'application/problem+json; charset=utf-8',
  body: JSON.stringify(problem),
});

function codeIn({ type }: Problem): ErrorCode {
  return type.slice(TYPE.length) as ErrorCode;
}

function logFailure(logger: Logger, error: unknown, requestId: string | undefined): void {
  const foreseen = error instanceof TrackingError && error.code === 'unavailable';
  const level = foreseen ? 'warn' : 'error';
  const details =
    error instanceof Error ? (foreseen ? { cause: causeOf(error) } : { stack: stackWithCauses(error) }) : {};
  logger.log({ level, message: messageOf(error), requestId, ...details });
}

/** What stood behind an error that was foreseen: the client is not told, the operator is. */
function causeOf({ cause }: Error): string | undefined {
  return cause === undefined ? undefined : messageOf(cause);
}

function stackWithCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackWithCauses(error.cause)}` : own;
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
