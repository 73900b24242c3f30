import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type Koa from 'koa';
import { TrackingError, messageOf } from '../errors.js';
import { answerClientError } from './client-error.js';
import { BACKLOG, Connections } from './connections.js';
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

export interface ListenOptions {
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** Milliseconds for a whole request to arrive, and for each sign of life of who reads an answer. A minute where left out. */
  readonly clientTimeout?: number;
  /** Milliseconds that idle connections are kept while closing, for requests on their way. */
  readonly farewell?: number;
}

/** Longer than the 60 s after which load balancers commonly drop idle connections, so that they do it before us. */
const KEEP_ALIVE = 65_000;

/**
 * Serves an application over HTTP.
 * @throws TrackingError `unavailable` where the address cannot be listened on
 */
export async function listen(
  app: Koa,
  { host, port, clientTimeout = 60_000, farewell = 1000 }: ListenOptions,
): Promise<Listener> {
  const handle = app.callback();
  const server = createServer({
    keepAliveTimeout: KEEP_ALIVE,
    headersTimeout: clientTimeout,
    requestTimeout: clientTimeout,
    connectionsCheckingInterval: Math.ceil(clientTimeout / 12),
  });
  const connections = new Connections(server, { clientTimeout, farewell });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!connections.begin(response)) request.resume();
    else if (isPath(request)) void handle(request, response);
    else answerProxyRequest(response);
  });
  server.on('clientError', answerClientError);
  await listening(server, host, port);
  return {
    url: urlOf(server, host),
    close: (patience = 8000) => connections.close(patience),
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
    server.listen({ port, host, backlog: BACKLOG }, resolve);
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
