import type { Socket } from 'node:net';
import { TrackingError } from '../errors.js';
import { problemOf } from './problem.js';

const REFUSALS: Readonly<Record<string, readonly [status: string, detail: string]>> = {
  HPE_INVALID_URL: [
    '400 Bad Request',
    'The address holds characters that have to be percent-encoded, such as é (%C3%A9).',
  ],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers of the request are longer than 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'The chunk extensions of the request are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
};

/** Milliseconds for the client to read why it is cut off. Closing at once might reset the connection before. */
const FAREWELL = 1000;

/** Answers what is no HTTP at all, or does not arrive in time, which no application gets to see (wholly). */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const [status, detail] = REFUSALS[error.code ?? ''] ?? ['400 Bad Request', 'This is not an HTTP/1.1 request.'];
  const problem = problemOf(new TrackingError('invalid', detail));
  const body = JSON.stringify({ ...problem, title: status.slice(4), status: Number(status.slice(0, 3)) });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
  // A client that is gone does not close its side.
  const cut = setTimeout(() => socket.destroy(), FAREWELL);
  socket.once('close', () => {
    clearTimeout(cut);
  });
}
