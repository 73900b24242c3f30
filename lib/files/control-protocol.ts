import { type ErrorCode, messageOf, type Mistake, TrackingError } from '../errors.js';

/** A process that holds the data directory, as the processes that ask it see it. */
export interface Holder {
  readonly pid: number;
}

export interface Call {
  readonly name: string;
  readonly argument: unknown;
}

export type Answer = { readonly result: unknown } | { readonly failure: Failure } | { readonly stopping: true };

/** A stream is lines: its items, then how many they were. One that was cut off lacks the last line. */
export type Line =
  Exclude<Answer, { readonly result: unknown }> | { readonly item: unknown } | { readonly items: number };

/** A TrackingError as JSON. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly mistakes: readonly Mistake[];
  readonly mistakeCount: number;
  readonly retryAfter?: number;
}

export function toFailure(error: unknown): Failure {
  if (!(error instanceof TrackingError)) {
    return { code: 'internal', message: messageOf(error), mistakes: [], mistakeCount: 0 };
  }
  const { code, message, mistakes, mistakeCount, retryAfter } = error;
  return { code, message, mistakes, mistakeCount, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

export function toError({ code, message, ...details }: Failure): TrackingError {
  return new TrackingError(code, message, details);
}
