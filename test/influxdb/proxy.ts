import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { BucketAccess } from '../servers/influxdb.js';

export interface Passing {
  /** Such as `/api/v2/write`. */
  readonly path: string;
  readonly body: string;
}

/** What becomes of a request: left out, it passes. */
export interface Fate {
  /** What InfluxDB gets in its place; nothing where it is held back. */
  readonly body?: string;
  /** What the client gets: a status, a reset, or nothing at all. Left out: InfluxDB's own answer. */
  readonly answer?: number | 'reset' | 'silence';
}

/** Stands before InfluxDB and meddles with what passes. */
export class Proxy {
  private constructor(
    private readonly server: Server,
    /** The bucket behind it. */
    readonly access: BucketAccess,
  ) {}

  static async before(access: BucketAccess, meddle: (passing: Passing) => Fate | undefined): Promise<Proxy> {
    const server = createServer((request, response) => {
      pass(request, response, access.url, meddle).catch(() => request.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new Proxy(server, { ...access, url: `http://127.0.0.1:${String(port)}` });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  url: string,
  meddle: (passing: Passing) => Fate | undefined,
): Promise<void> {
  const { method = 'GET', url: target = '/' } = request;
  const body = await textOf(request);
  const fate = meddle({ path: target.split('?')[0] ?? '', body }) ?? { body };
  const answer = fate.body === undefined ? undefined : await forward(method, url + target, request, fate.body);
  if (fate.answer === 'silence') return;
  if (fate.answer === 'reset') request.socket.destroy();
  else if (fate.answer !== undefined) response.writeHead(fate.answer).end('{"message":"so be it"}');
  else if (answer) response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
}

function forward(method: string, target: string, { headers }: IncomingMessage, body: string): Promise<Response> {
  const { authorization = '', accept = '*/*', 'content-type': type = '' } = headers;
  const sent = { authorization, accept, 'content-type': type };
  return fetch(target, method === 'GET' ? { headers: sent } : { method, headers: sent, body });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) text += String(chunk);
  return text;
}
