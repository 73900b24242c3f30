import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { messageOf, TrackingError } from '../errors.js';

// Codes of nats-server's server/errors.json.
const NO_ROOM = new Set([10_002, 10_023, 10_028, 10_047, 10_077, 10_022]);
const NO_JETSTREAM = new Set([10_039, 10_076]);
const NO_CLUSTER = new Set([10_005, 10_074]);
const WRONG_LAST_SEQUENCE = new Set([10_071, 10_164]);

export const RETRY_AFTER = 5; // seconds

/** What NATS says no with, in words for the one who sent something or who runs the service. */
export function failureOf(error: unknown, fate: string): TrackingError {
  if (error instanceof TrackingError) return error;
  return new TrackingError('unavailable', `${reasonOf(error)} ${fate}`.trim(), {
    retryAfter: RETRY_AFTER,
    cause: error,
  });
}

/** That there is no room, and what to do. */
export function noRoom(why: string): string {
  return `NATS has no room: ${why}. Raise the limits of its JetStream or make room on its disk.`;
}

/** What keeps the readers of the queue from going on, in words for the one who runs the service. */
export function problemOf(error: unknown): string {
  return error instanceof JetStreamApiError ? reasonOf(error) : messageOf(error);
}

function reasonOf(error: unknown): string {
  if (error instanceof JetStreamApiError) {
    if (NO_ROOM.has(error.code)) {
      return noRoom(error.message);
    }
    if (NO_JETSTREAM.has(error.code)) return NO_JETSTREAM_SENTENCE;
    if (NO_CLUSTER.has(error.code)) {
      return `NATS refuses so many replicas: ${error.message}. NATS_REPLICAS needs a cluster of as many servers.`;
    }
    return `NATS refuses: ${error.message}.`;
  }
  if (error instanceof Error && error.name === 'JetStreamNotEnabled') return NO_JETSTREAM_SENTENCE;
  if (isNobody(error)) return 'NATS has nobody who answers for the stream: JetStream is off, or just starting.';
  if (error instanceof errors.TimeoutError) return 'NATS did not answer in time.';
  return `NATS failed: ${messageOf(error)}.`;
}

const NO_JETSTREAM_SENTENCE =
  'The NATS server has no JetStream: start it with -js, or with a block `jetstream` in its configuration file.';

// OpenSSL's names, such as DEPTH_ZERO_SELF_SIGNED_CERT, and Node.js's own, such as ERR_TLS_CERT_ALTNAME_INVALID.
const UNTRUSTED = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/;

/** Why there is no connection, in a sentence that names no address. */
export function unreachedFor(error: unknown): string {
  if (error instanceof errors.AuthorizationError) return 'NATS refuses the user, password or token of NATS_URL.';
  if (error instanceof Error && 'code' in error && UNTRUSTED.test(String(error.code))) {
    return 'NATS shows a certificate that is not trusted: NODE_EXTRA_CA_CERTS must name the file of its authority.';
  }
  if (messageOf(error).includes("does not support 'tls'")) {
    return 'NATS does not speak TLS: NATS_URL must begin with nats://.';
  }
  return 'NATS cannot be reached.';
}

/** Whether there was nobody to answer: nothing has reached a stream. */
export function isNobody(error: unknown): boolean {
  return error instanceof errors.NoRespondersError || (error instanceof errors.RequestError && error.isNoResponders());
}

/** Whether a stream or bucket is not there. */
export function isMissing(error: unknown): boolean {
  return isNobody(error) || (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound);
}

/** Whether NATS refused a change because somebody else had made one. */
export function isConflict(error: unknown): boolean {
  return error instanceof JetStreamApiError && WRONG_LAST_SEQUENCE.has(error.code);
}

/** Whether the stream or bucket that was asked for has no room for more. */
export function isNoRoom(error: unknown): boolean {
  return error instanceof JetStreamApiError && NO_ROOM.has(error.code);
}
