import type { TrackingError } from '../errors.js';
import type { Answer } from './connection.js';
import { failureOf, foreignAnswer, troubleIn } from './failure.js';

/**
 * What an answer to a write means:
 * - `stored`: every line is durable;
 * - `refused`: some lines will never be taken (400 has stored none of them, 422 all others), or they are too many (413);
 * - `suspicious`: InfluxDB failed, and it may be because of these lines;
 * - `again`: no answer of InfluxDB's for these lines, or one that has nothing to do with them;
 * - `turned away`: InfluxDB takes nothing from us, or what answers is not InfluxDB.
 */
export type Verdict = 'stored' | 'refused' | 'suspicious' | 'again' | 'turned away';

/** 408 and 499 are influxd's for a request that was cut off, 425 is a proxy's. */
const AGAIN = new Set([408, 425, 429, 499]);

export function verdictOf({ status, own, message }: Answer): Verdict {
  // Nothing else counts as stored: a page in front of InfluxDB may well answer 200.
  if (status === 204) return 'stored';
  if (status === 413) return 'refused';
  if (status === 400 || status === 422) return own ? 'refused' : 'again';
  if (AGAIN.has(status)) return 'again';
  if (status === 500 && own && troubleIn(message) === undefined) return 'suspicious';
  return status >= 500 ? 'again' : 'turned away';
}

/** Why nothing is taken from us, whatever we send, or nothing at present. */
export function turnedAway({ status, own, message, retryAfter }: Answer, url: string): TrackingError {
  const known = status === 401 || status === 403 || (status === 404 && own) || status === 429 || status >= 500;
  if (known || message.includes('organization name')) return failureOf(status, message, retryAfter);
  return foreignAnswer(status, message, url);
}

export const TOO_OLD_REASON = 'it is older than the bucket keeps points';

/** Why InfluxDB will not take a point, in words for the one who sent it. */
export function reasonOf({ status, message }: Answer): string {
  if (status === 413) return 'InfluxDB finds it too large.';
  if (status >= 500) return `InfluxDB fails each time that it is to store it: ${message.slice(0, MAX_REASON)}`;
  if (message.includes('retention policy')) return TOO_OLD_REASON;
  if (message.includes('field type conflict')) {
    return 'another program has written a value of this namespace that is not a float, and InfluxDB allows one type';
  }
  if (message.includes('max-series') || message.includes('max-values')) {
    return 'InfluxDB holds as many series as it may';
  }
  return 'InfluxDB refuses it as a point';
}

const MAX_REASON = 300;
