import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { Tally } from './figures.js';
import { between, oneOf } from './random.js';

/** What may become of a request on its way. */
type Weather =
  | 'clear'
  | 'cut'
  | 'cut behind the service'
  | 'slow'
  | 'reset in the request'
  | 'reset in the answer'
  | '500'
  | '429'
  | '401'
  | '413';

const WEATHERS: readonly Weather[] = [
  'clear',
  'clear',
  'clear',
  'cut',
  'cut behind the service',
  'slow',
  'reset in the request',
  'reset in the answer',
  '500',
  '429',
  '401',
  '413',
];

interface Forwarded {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

/** A network between an agent and a service whose weather changes several times a second. */
export class BadNetwork {
  readonly tally = new Tally();
  /** Events that arrived for the first time behind a later one of their series. */
  outOfOrder = 0;
  /** Events that the service acknowledged, resent ones each time. */
  acknowledged = 0;
  private readonly seen = new Map<string, { latest: number; readonly all: Set<number> }>();
  private weather: Weather = 'clear';
  private changing = true;

  private constructor(
    private readonly target: URL,
    private readonly server: Server,
  ) {}

  static async open(target: string): Promise<BadNetwork> {
    const server = createServer();
    const network = new BadNetwork(new URL(target), server);
    server.on('request', (incoming: IncomingMessage, outgoing: ServerResponse) => {
      network.carry(incoming, outgoing).catch(() => incoming.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    void network.change();
    return network;
  }

  get url(): string {
    const address = this.server.address();
    return `http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}`;
  }

  private async change(): Promise<void> {
    while (this.changing) {
      this.weather = oneOf(WEATHERS);
      await setTimeout(between(20, 400), undefined, { ref: false });
    }
    this.weather = 'clear';
  }

  /** From now on everything arrives. */
  calm(): void {
    this.changing = false;
    this.weather = 'clear';
  }

  async close(): Promise<void> {
    this.calm();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async carry(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { weather } = this;
    this.tally.add(weather);
    if (weather === 'cut') {
      incoming.socket.destroy();
      return;
    }
    if (weather === 'reset in the request') {
      incoming.once('data', () => incoming.socket.resetAndDestroy());
      return;
    }
    const body = await buffer(incoming);
    const status = Number(weather);
    if (!Number.isNaN(status)) {
      const retry = Math.random() < 0.5 ? { 'Retry-After': String(Math.round(between(1, 120))) } : {};
      outgoing.writeHead(status, { 'Content-Type': 'text/plain', ...(status === 429 && retry) }).end('Bad weather.');
      return;
    }
    // Longer than the agent waits, now and then.
    if (weather === 'slow') await setTimeout(between(20, 600));
    const answer = await this.forward(incoming, body);
    if (answer.status === 201) this.arrived(body);
    if (weather === 'cut behind the service') {
      incoming.socket.destroy();
      return;
    }
    outgoing.writeHead(answer.status, { ...answer.headers, connection: 'keep-alive' });
    if (weather === 'reset in the answer') {
      outgoing.write(answer.body.subarray(0, 5), () => incoming.socket.resetAndDestroy());
      return;
    }
    outgoing.end(answer.body);
  }

  private forward(incoming: IncomingMessage, body: Buffer): Promise<Forwarded> {
    return new Promise((resolve, reject) => {
      const { method, headers, url } = incoming;
      request(
        new URL(url ?? '/', this.target),
        { method, headers: { ...headers, connection: 'close' } },
        (response) => {
          buffer(response).then((bytes) => {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, body: bytes });
          }, reject);
        },
      )
        .once('error', reject)
        .end(body);
    });
  }

  private arrived(body: Buffer): void {
    for (const line of gunzipSync(body).toString().trimEnd().split('\n')) {
      const { name, timestamp } = JSON.parse(line) as { readonly name: string; readonly timestamp: number };
      this.acknowledged++;
      const series = this.seen.get(name) ?? { latest: -Infinity, all: new Set<number>() };
      this.seen.set(name, series);
      if (series.all.has(timestamp)) continue;
      if (timestamp < series.latest) this.outOfOrder++;
      series.all.add(timestamp);
      series.latest = Math.max(series.latest, timestamp);
    }
  }
}
