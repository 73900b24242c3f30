import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { ErrorCode } from '../../errors.js';
import type { Context, ErrorForm } from '../context.js';
import type { Problem } from '../problem.js';

export const PROTOBUF = 'application/x-protobuf';
export const JSON_TYPE = 'application/json';

/** What was left out of a request of which the rest is stored. */
export interface PartialSuccess {
  readonly rejectedDataPoints: number;
  readonly errorMessage: string;
}

/** An `ExportMetricsServiceResponse`, in the encoding of the request. */
export function answerExport(ctx: Context, partialSuccess: PartialSuccess | undefined): void {
  ctx.status = 200;
  if (isJson(ctx)) {
    ctx.body = JSON.stringify(
      partialSuccess === undefined
        ? {}
        : { partialSuccess: { ...partialSuccess, rejectedDataPoints: String(partialSuccess.rejectedDataPoints) } },
    );
    ctx.set('Content-Type', JSON_TYPE);
    return;
  }
  const response = new BinaryWriter();
  if (partialSuccess !== undefined) {
    const { rejectedDataPoints, errorMessage } = partialSuccess;
    response
      .tag(1, WireType.LengthDelimited)
      .fork()
      .tag(1, WireType.Varint)
      .int64(rejectedDataPoints)
      .tag(2, WireType.LengthDelimited)
      .string(errorMessage)
      .join();
  }
  ctx.body = Buffer.from(response.finish());
  ctx.set('Content-Type', PROTOBUF);
}

/** Codes of google.rpc.Code; only people read them, clients go by the HTTP status. */
const CODES: Readonly<Partial<Record<ErrorCode, number>>> = {
  unauthenticated: 16,
  forbidden: 7,
  'not-found': 5,
  'method-not-allowed': 12,
  unprocessable: 9,
  'too-many-requests': 8,
  internal: 13,
  unavailable: 14,
};
const INVALID_ARGUMENT = 3;

/** A `google.rpc.Status`, in the encoding of the request (https://opentelemetry.io/docs/specs/otlp/#failures-1). */
export const asStatus: ErrorForm = (problem, ctx) => {
  const code = CODES[problem.type.slice(problem.type.indexOf('#') + 1) as ErrorCode] ?? INVALID_ARGUMENT;
  const message = wordsOf(problem);
  if (isJson(ctx)) return { type: JSON_TYPE, body: JSON.stringify({ code, message }) };
  const status = new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(code)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .finish();
  return { type: PROTOBUF, body: Buffer.from(status) };
};

function wordsOf({ detail, errors = [] }: Problem): string {
  return [
    detail,
    ...errors.slice(0, 3).map(({ path, message }) => `${path === undefined ? '' : `${path}: `}${message}.`),
  ].join(' ');
}

function isJson(ctx: Context): boolean {
  return ctx.request.type.trim().toLowerCase() === JSON_TYPE;
}
