import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type Koa from 'koa';
import { TrackingError, messageOf } from '../errors.js';
import { problemOf } from './problem.js';

export interface Listener {
  /** Where to reach it: `http://localhost:8000`. */
  readonly url: string;
  /**
   * Takes no more connections, answers the requests under way, and resolves when all connections are closed. What is
   * still under way after `patience` milliseconds is cut off.
   */
  close(patience?: number): Promise<void>;
}

/** Longer than the 60 s after which load balancers commonly drop idle connections, so that they do it before us. */
const KEEP_ALIVE = 65_000;

/**
 * Serves an application over HTTP.
 * @throws TrackingError `unavailable` where the address cannot be listened on
 */
export async function listen(
  app: Koa,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<Listener> {
  const handle = app.callback();
  let closing = false;
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE }, (request, response) => {
    if (closing) response.setHeader('Connection', 'close');
    if (isPath(request)) void handle(request, response);
    else answerProxyRequest(response);
  });
  server.on('clientError', answerClientError);
  await listening(server, host, port);
  return {
    url: urlOf(server, host),
    close(patience = 8000) {
      closing = true;
      return closed(server, patience);
    },
  };
}

/** A whole address instead of a path is for proxies (RFC 9112 §3.2.2), and Koa stumbles over what is none. */
function isPath({ url = '' }: IncomingMessage): boolean {
  return url.startsWith('/') || url === '*';
}

function answerProxyRequest(response: ServerResponse): void {
  const detail = 'The request must name a path that begins with a slash; this service is no proxy.';
  response.writeHead(400, { 'Content-Type': 'application/problem+json; charset=utf-8', Connection: 'close' });
  response.end(JSON.stringify(problemOf(new TrackingError('invalid', detail))));
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'another program listens there already' : messageOf(error);
      const where = `${host}, port ${port}`;
      reject(new TrackingError('unavailable', `Cannot listen on ${where}: ${reason}. Set HOST and PORT.`));
    });
    server.listen(port, host, resolve);
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

function closed(server: Server, patience: number): Promise<void> {
  return new Promise((resolve) => {
    // A connection becomes idle when its last answer is out; nobody tells us when, so we look.
    const sweep = setInterval(() => {
      server.closeIdleConnections();
    }, 50);
    const cut = setTimeout(() => {
      server.closeAllConnections();
    }, patience);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
  });
}

const REFUSALS: Readonly<Record<string, readonly [status: string, detail: string]>> = {
  HPE_INVALID_URL: [
    '400 Bad Request',
    'The address holds characters that have to be percent-encoded, such as é (%C3%A9).',
  ],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers of the request are longer than 16 KiB.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Content Too Large', 'The chunk extensions of the request are too long.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
};

/** Answers what is no HTTP at all, which no application gets to see. */
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
}
