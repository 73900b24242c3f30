import type Koa from 'koa';
import type { Grant } from '../access.js';
import type { ErrorCode } from '../errors.js';
import type { Compression } from './inflate.js';
import type { Problem } from './problem.js';

/** What the middlewares of one request tell each other. */
export interface RequestState {
  requestId: string;
  /** What the bearer of the token may do, once `authenticate` let the request pass. */
  grant?: Grant;
  /** What a body of any type said that it is. */
  contentType?: string | undefined;
  /** What the body has still to be inflated from. */
  compression?: Compression | undefined;
  /** What entered for the body and has still to leave (`admission.ts`). */
  pendingBytes?: number | undefined;
  /** The body's size and number of events, for the log. */
  bytes?: number;
  events?: number;
  /** The code of the error that the request was answered with. */
  refusal?: ErrorCode;
  /** How the clients of this path read errors; as problem details (RFC 9457) where nothing says so. */
  errorForm?: ErrorForm;
  /** What ended the request before its time. */
  failure?: unknown;
}

/** Puts a problem into the words of another service, whose clients print them. */
export type ErrorForm = (problem: Problem, ctx: Context) => ErrorAnswer;

export interface ErrorAnswer {
  readonly type: string;
  readonly body: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Context = Koa.ParameterizedContext<RequestState>;
export type Middleware = Koa.Middleware<RequestState>;
export type Next = Koa.Next;
