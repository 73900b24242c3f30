import { HttpError } from '@influxdata/influxdb-client';
import { TrackingError } from '../errors.js';

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
    return new TrackingError('unavailable', 'InfluxDB has no such bucket: INFLUXDB_BUCKET must name one.', {
      retryAfter: 30,
      cause,
    });
  }
  if (status === 429 || status >= 500) {
    return new TrackingError('unavailable', `InfluxDB cannot take or answer this now (status ${status}).`, {
      retryAfter: retryAfter ?? 5,
      cause,
    });
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
  return new TrackingError('unavailable', `InfluxDB ${fate} at ${new URL(url).host}.`, { retryAfter: 5, cause: error });
}
