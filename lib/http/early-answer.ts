import type { IncomingMessage, ServerResponse } from 'node:http';

// Whoever sends more than this after it was refused, or takes longer, finds the connection closed.
const MAX_BYTES_READ_ON = 64 * 2 ** 20;
const MAX_MILLISECONDS_READ_ON = 10_000;

/**
 * Ends an answer that may come while the client still sends. Closing the connection then would reset it, and most
 * clients would report that rather than the answer, so the rest is read and thrown away, up to a limit
 * (RFC 9112 §9.6).
 */
export function answerEarly(request: IncomingMessage, response: ServerResponse, body: string | Buffer): void {
  request.resume();
  if (request.complete) {
    response.end(body);
    return;
  }
  response.setHeader('Connection', 'close');
  response.write(body);
  let bytesLeft = MAX_BYTES_READ_ON;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, MAX_MILLISECONDS_READ_ON);
  request.on('data', (chunk: Buffer) => {
    bytesLeft -= chunk.length;
    if (bytesLeft < 0) end();
  });
  request.once('end', end).once('close', end);
}
