import { createServer, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { freePort } from '../servers/process.js';

/** Stands between a client and the service, and keeps every body that the client was told is stored. */
export interface Recorder {
  readonly url: string;
  readonly bodies: readonly Buffer[];
  close(): Promise<void>;
}

/** @param target - where what comes is passed on to */
export async function record(target: string): Promise<Recorder> {
  const bodies: Buffer[] = [];
  const port = await freePort();
  const server = createServer((request, response) => {
    void pass(request, target).then(
      ({ status, retryAfter, type, answer, body }) => {
        if (status === 200) bodies.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
        response.writeHead(status, { 'content-type': type, ...(retryAfter !== null && { 'retry-after': retryAfter }) });
        response.end(answer);
      },
      // As a service that was killed: the client learns nothing.
      () => request.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    bodies,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function pass(request: IncomingMessage, target: string) {
  const body = await buffer(request);
  const headers = Object.fromEntries(
    Object.entries(request.headers).flatMap(([key, value]) =>
      typeof value === 'string' && PASSED.includes(key) ? [[key, value]] : [],
    ),
  );
  const response = await fetch(target + (request.url ?? ''), { method: 'POST', headers, body: new Uint8Array(body) });
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    type: response.headers.get('content-type') ?? '',
    answer: Buffer.from(await response.arrayBuffer()),
    body,
  };
}

const PASSED = ['authorization', 'content-type', 'content-encoding'];
