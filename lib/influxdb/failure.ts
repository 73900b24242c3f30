import { HttpError } from '@influxdata/influxdb-client';
import { messageOf, TrackingError } from '../errors.js';

/** Errors of a socket that never came to be: not one byte was sent. */
const NOT_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
]);

/** Whether the request failed before anything could reach InfluxDB. */
export function neverConnected(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NOT_CONNECTED.has(String(error.code));
}

/** What befalls a whole InfluxDB, whatever is written to it: how it says so, and how we do. */
const TROUBLES: readonly (readonly [RegExp, string])[] = [
  // "not attempting to open shard 7; opening shard previously failed with: …": also after the reason is gone.
  [/previously failed/i, 'InfluxDB failed to open a shard, and tries no more until it is restarted.'],
  [/no space left|quota exceeded|not enough space/i, 'The disk of InfluxDB is full.'],
  [/read-only file system|permission denied|operation not permitted/i, 'InfluxDB may not write to its disk.'],
  [/input\/output error|\bi\/o\b|corrupted|structure needs cleaning|stale/i, 'The disk of InfluxDB fails.'],
  [/cache-max-memory|out of memory|cannot allocate|too many open files/i, 'InfluxDB has no room in its memory.'],
  [/time.?out|timed out|deadline exceeded|context canceled|limit exceeded/i, 'InfluxDB is too slow at present.'],
  [/closed|shutting down|shard|\bwal\b|locked/i, 'A part of InfluxDB is closed at present.'],
];

/** A sentence where InfluxDB speaks of itself and not of what was asked; nothing where it does not. */
export function troubleIn(message: string): string | undefined {
  return TROUBLES.find(([words]) => words.test(message))?.[1];
}

/** What answers a write is not InfluxDB, or something between us answers in its place. */
export function foreignAnswer(status: number, message: string, url: string): TrackingError {
  return new TrackingError(
    'unavailable',
    `What answers in the place of InfluxDB is not InfluxDB 2, or something before it (status ${status}): see INFLUXDB_URL.`,
    { retryAfter: 30, cause: new Error(`${new URL(url).host} answered: ${message}`) },
  );
}

const SILENCE = 'InfluxDB did not answer in time.';

/** InfluxDB has been silent for too long. */
export function silence(): TrackingError {
  return new TrackingError('unavailable', SILENCE, { retryAfter: 5 });
}

export function isSilence(error: unknown): boolean {
  return error instanceof TrackingError && error.message === SILENCE;
}

/** What an answer of InfluxDB's that is no success means, in our words; its own words stay in `cause`. */
export function failureOf(status: number, message: string, retryAfter: number | undefined): TrackingError {
  const cause = new Error(`InfluxDB answered ${status}: ${message}`);
  if (status === 401 || status === 403) {
    return new TrackingError(
      'unavailable',
      'InfluxDB refuses the token: INFLUXDB_TOKEN must be one that may read and write the bucket.',
      { retryAfter: 30, cause },
    );
  }
  if (message.includes('organization name')) {
    return new TrackingError('unavailable', 'InfluxDB knows no such organization: INFLUXDB_ORG must name one.', {
      retryAfter: 30,
      cause,
    });
  }
  if (status === 404) {
    return new TrackingError(
      'unavailable',
      'InfluxDB shows this token no such bucket: INFLUXDB_BUCKET must name one that INFLUXDB_TOKEN may read and write.',
      {
        retryAfter: 30,
        cause,
      },
    );
  }
  if (status === 429 || status >= 500) {
    const trouble = status === 500 ? troubleIn(message) : undefined;
    const sentence = trouble ?? `InfluxDB cannot take or answer this now (status ${status}).`;
    return new TrackingError('unavailable', sentence, { retryAfter: retryAfter ?? 5, cause });
  }
  return new TrackingError('unprocessable', 'InfluxDB cannot answer this question over the points that it holds.', {
    cause,
  });
}

/** Anything that went wrong while talking to InfluxDB, as a TrackingError. */
export function trackingErrorOf(error: unknown, url: string): TrackingError {
  if (error instanceof TrackingError) return error;
  if (error instanceof HttpError) {
    const seconds = Number(error.headers?.['retry-after']);
    return failureOf(error.statusCode, error.message, Number.isFinite(seconds) && seconds > 0 ? seconds : undefined);
  }
  const fate = neverConnected(error) ? 'cannot be reached' : 'broke off the connection';
  // Where it is, is for the log alone.
  const cause = new Error(`${new URL(url).host}: ${messageOf(error)}`, { cause: error });
  return new TrackingError('unavailable', `InfluxDB ${fate}.`, { retryAfter: 5, cause });
}
