import type { ErrorAnswer } from './context.js';
import type { Problem } from './problem.js';

/** What InfluxDB 2 calls an answer with that status. */
const CODES: Readonly<Record<number, string>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  405: 'method not allowed',
  413: 'request too large',
  415: 'invalid',
  422: 'unprocessable entity',
  429: 'too many requests',
  503: 'unavailable',
};

/** Clients write the message into their logs, as one line. */
const MAX_MISTAKES = 20;
const MAX_HEADER = 1000;

/** As InfluxDB 2 answers: `{"code": …, "message": …}`. */
export function influxDB2Error(problem: Problem): ErrorAnswer {
  const code = CODES[problem.status] ?? 'internal error';
  return {
    type: 'application/json; charset=utf-8',
    body: JSON.stringify({ code, message: messageOf(problem) }),
    headers: { 'X-Platform-Error-Code': code },
  };
}

/** As InfluxDB 1 answers: `{"error": …}`, and the same in a header. */
export function influxDB1Error(problem: Problem): ErrorAnswer {
  const error = messageOf(problem);
  return {
    type: 'application/json; charset=utf-8',
    body: JSON.stringify({ error }),
    // Headers hold no more than these characters.
    headers: { 'X-Influxdb-Error': error.replace(/[^ -~]/g, '?').slice(0, MAX_HEADER) },
  };
}

function messageOf({ detail, errors = [], errorCount = errors.length, requestId }: Problem): string {
  const listed = errors.slice(0, MAX_MISTAKES).map(({ message }) => message);
  // Where there is one mistake, it may be told already.
  const told = listed.filter((message) => !detail.includes(message));
  const more = errorCount - listed.length;
  const mistakes = told.length === 0 ? '' : ` ${told.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
  const id = requestId === undefined ? '' : ` (request ${requestId})`;
  return `${detail}${mistakes}${id}`;
}
