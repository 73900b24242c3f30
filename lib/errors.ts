/** Every way the service says no. `http/problem.ts` maps each code to its HTTP status. */
export type ErrorCode =
  /** The request is malformed; sent again unchanged it fails again. */
  | 'invalid'
  /** No credentials, or credentials that are wrong or have expired. */
  | 'unauthenticated'
  /** Right credentials that do not reach this far. */
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'not-acceptable'
  | 'unsupported-media-type'
  /** More events or bytes than one request may carry. */
  | 'too-large'
  /** Well-formed, yet what it asks for cannot be answered or stored. */
  | 'unprocessable'
  /** One client sends faster than it may. */
  | 'too-many-requests'
  /** The store cannot take or answer it now; the same request may succeed later. */
  | 'unavailable'
  /** A defect of ours. */
  | 'internal';

/** One mistake among several: which event (its index in the request), where in it, and what would be right. */
export interface Mistake {
  readonly index?: number;
  readonly path?: string;
  readonly message: string;
}

/** An error whose message is written for the person who made the request. */
export class TrackingError extends Error {
  override readonly name = 'TrackingError';
  readonly mistakes: readonly Mistake[];
  /** How many mistakes there are in all, where `mistakes` lists only the first. */
  readonly mistakeCount: number;
  /** Seconds after which a retry makes sense. */
  readonly retryAfter: number | undefined;

  constructor(
    readonly code: ErrorCode,
    message: string,
    details: {
      readonly mistakes?: readonly Mistake[];
      readonly mistakeCount?: number;
      readonly retryAfter?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.mistakes = details.mistakes ?? [];
    this.mistakeCount = details.mistakeCount ?? this.mistakes.length;
    this.retryAfter = details.retryAfter;
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
