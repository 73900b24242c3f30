import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { buffer as bodyOf } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { expect } from 'chai';
import { DiskBuffer } from '../../lib/agent/buffer.js';
import type { Clock } from '../../lib/agent/clock.js';
import { RefusedEvents } from '../../lib/agent/refused.js';
import { Sender } from '../../lib/agent/sender.js';
import { Tokens } from '../../lib/agent/tokens.js';
import { Transport } from '../../lib/agent/transport.js';
import { messageOf } from '../../lib/errors.js';
import { type Front, openFront } from '../http/front.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { freePort } from '../servers/process.js';

interface Event {
  readonly value: number;
}

/** What a server answers to a request with these events. */
type Answer = (events: readonly Event[], request: IncomingMessage) => readonly [status: number, ...Reply];
type Reply = readonly [body?: unknown, headers?: Readonly<Record<string, string>>];

const PROBLEM = { 'Content-Type': 'application/problem+json; charset=utf-8' };

describe('the sender of the agent', () => {
  let server: Server;
  let url: URL;
  let answers: Answer[];
  let tokenAnswers: Answer[];
  let arrived: { readonly values: number[]; readonly authorization: string | undefined; readonly path: string }[];
  let tokens: number;
  let waits: number[];
  let said: string[];
  let told: { sent: number; refused: number; failures: string[] };
  let directory: string;
  let buffer: DiskBuffer;
  let transport: Transport;
  let sender: Sender;

  const clock: Clock = {
    now: () => Date.UTC(2026, 0, 5, 12),
    sleep: (milliseconds) => {
      waits.push(milliseconds);
      return Promise.resolve();
    },
  };

  beforeEach(async () => {
    [answers, tokenAnswers, arrived, waits, said] = [[], [], [], [], []];
    tokens = 0;
    told = { sent: 0, refused: 0, failures: [] };
    server = createServer((request, response) => void serve(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    // The service is below a path of a proxy.
    url = new URL(`http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}/tracking`);
    directory = temporaryFolder('sender');
    buffer = await DiskBuffer.open(directory, { maxAge: Infinity, maxBytes: Infinity }, clock);
    sender = senderTo(url);
  });

  afterEach(async () => {
    transport.close();
    await buffer.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  function senderTo(target: URL, batch = 100): Sender {
    transport = new Transport({ url: target, timeout: 300, version: 'test' });
    return new Sender({
      buffer,
      transport,
      tokens: new Tokens({ url: target, clientId: 'one', clientSecret: 'a secret/', timeout: 300 }),
      refused: new RefusedEvents(directory, (event, reason) => said.push(`${event} ${reason}`)),
      clock,
      batch,
      observer: {
        sent: (events) => (told.sent += events),
        refused: (events) => (told.refused += events),
        failed: (reason) => told.failures.push(reason),
      },
    });
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const isToken = request.url === '/tracking/o/token/';
    const events = isToken ? [] : eventsIn(body);
    const { authorization } = request.headers;
    if (!isToken) arrived.push({ values: events.map(({ value }) => value), authorization, path: request.url ?? '' });
    const answer = (isToken ? tokenAnswers : answers).shift() ?? (isToken ? token : accept);
    const [status, reply = {}, headers = {}] = answer(events, request);
    if (status === 0) request.socket.destroy();
    else response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(reply));
  }

  const accept: Answer = (events) => [201, { accepted: events.length }];
  const token: Answer = () => [200, { access_token: `token-${++tokens}`, token_type: 'Bearer', expires_in: 3600 }];
  const answer =
    (status: number, ...reply: Reply): Answer =>
    () => [status, ...reply];

  async function keep(from: number, to: number): Promise<void> {
    const values = Array.from({ length: to - from }, (_, index) => from + index);
    await buffer.append(values.map((value) => ({ namespace: 'Server-1', name: `n${value}`, timestamp: 1, value })));
  }

  const drain = (): Promise<void> => sender.drain(AbortSignal.timeout(20_000));
  const valuesThatArrived = (): number[][] => arrived.map(({ values }) => values);

  it('sends samples, compressed, with a token of its application', async () => {
    let asked = '';
    tokenAnswers = [
      (_, request) => {
        asked = request.headers.authorization ?? '';
        return token([], request);
      },
    ];
    await keep(0, 3);
    await drain();
    expect(arrived).to.deep.equal([
      { values: [0, 1, 2], authorization: 'Bearer token-1', path: '/tracking/api/track/?identity=timestamp' },
    ]);
    // RFC 6749 §2.3.1: both are form-encoded first.
    expect(Buffer.from(asked.slice(6), 'base64').toString()).to.equal('one:a+secret%2F');
    expect(told).to.deep.equal({ sent: 3, refused: 0, failures: [] });
    expect(buffer.state.events).to.equal(0);
  });

  it('tries again after every kind of failure, longer each time, and loses nothing', async () => {
    answers = [answer(500), answer(503), answer(0), answer(502), answer(429), answer(408)];
    await keep(0, 3);
    await drain();
    expect(valuesThatArrived()).to.deep.equal(Array.from({ length: 7 }, () => [0, 1, 2]));
    expect(waits).to.have.length(6);
    waits.forEach((wait, failure) => {
      expect(wait).to.be.within(500 * 2 ** failure, 1000 * 2 ** failure);
    });
    expect(told.sent).to.equal(3);
  });

  it('waits a minute at most, and after a success begins anew', async () => {
    answers = [...Array.from({ length: 12 }, () => answer(500)), accept, answer(500)];
    await keep(0, 1);
    await drain();
    expect(waits.at(-1)).to.be.within(30_000, 60_000);
    await keep(1, 2);
    await drain();
    expect(waits.at(-1)).to.be.within(500, 1000);
  });

  it('obeys Retry-After as seconds and as a date, an hour at most', async () => {
    answers = [
      answer(429, {}, { 'Retry-After': '17' }),
      answer(503, {}, { 'Retry-After': 'Mon, 05 Jan 2026 12:02:00 GMT' }),
      answer(503, {}, { 'Retry-After': 'Mon, 05 Jan 2037 12:02:00 GMT' }),
      answer(503, {}, { 'Retry-After': 'soon' }),
    ];
    await keep(0, 1);
    await drain();
    expect(waits.slice(0, 3)).to.deep.equal([17_000, 120_000, 3_600_000]);
    expect(waits[3]).to.be.within(4000, 8000);
  });

  it('takes a service that answers too late for one that does not', async () => {
    const late = createServer((request) => void request.resume());
    await new Promise<void>((resolve) => late.listen(0, '127.0.0.1', resolve));
    const address = late.address();
    const silent = new URL(`http://127.0.0.1:${typeof address === 'object' ? String(address?.port) : ''}`);
    await keep(0, 1);
    sender = senderTo(silent);
    const stop = new AbortController();
    const draining = sender.drain(stop.signal);
    while (told.failures.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    stop.abort();
    await draining;
    late.closeAllConnections();
    await new Promise((resolve) => late.close(resolve));
    expect(buffer.state.events).to.equal(1);
  });

  it('leaves nothing of its requests behind in the signal that ends it, for it lives for years', async () => {
    const stop = new AbortController();
    await keep(0, 1);
    await sender.drain(stop.signal);
    const before = sizesIn(stop.signal);
    for (let from = 1; from < 10; from++) {
      await keep(from, from + 1);
      await sender.drain(stop.signal);
    }
    expect(told.sent).to.equal(10);
    expect(sizesIn(stop.signal)).to.deep.equal(before);
  });

  it('gets a new token after a 401, at once', async () => {
    await keep(0, 1);
    await drain();
    answers = [answer(401)];
    await keep(1, 2);
    await drain();
    expect(arrived.map(({ authorization }) => authorization)).to.deep.equal([
      'Bearer token-1',
      'Bearer token-1',
      'Bearer token-2',
    ]);
    expect(waits).to.be.empty;
  });

  it('renews a token before it expires', async () => {
    // It is spent when it arrives.
    tokenAnswers = [() => [200, { access_token: 'short', token_type: 'Bearer', expires_in: 0 }]];
    await keep(0, 1);
    await drain();
    await keep(1, 2);
    await drain();
    expect(arrived.map(({ authorization }) => authorization)).to.deep.equal(['Bearer short', 'Bearer token-1']);
    expect(arrived).to.have.length(2);
  });

  it('keeps everything, and tries slowly, where credentials, rights or address are wrong', async () => {
    tokenAnswers = [answer(401, { error: 'invalid_client', error_description: 'client authentication failed' })];
    answers = [
      answer(401),
      answer(401),
      answer(403, { detail: 'The application may not write.' }, PROBLEM),
      answer(404),
      answer(301, {}, { Location: 'https://elsewhere/' }),
      answer(400, 'from a proxy'),
    ];
    await keep(0, 2);
    await drain();
    expect(told.failures).to.deep.equal([
      'no token: 401: invalid_client: client authentication failed',
      '401: {}',
      '403: The application may not write.',
      '404: {}',
      '301 (moved to https://elsewhere/)',
      '400: "from a proxy"',
    ]);
    expect(waits).to.have.length(6);
    waits.forEach((wait) => {
      expect(wait).to.be.within(30_000, 300_000);
    });
    expect(told).to.include({ sent: 2, refused: 0 });
  });

  it('says so where something else answers than the service, and obeys it all the same', async () => {
    const html = { 'Content-Type': 'text/html' };
    tokenAnswers = [
      answer(404, '<html>', html),
      answer(301, '<html>', { ...html, Location: 'https://elsewhere/' }),
      answer(200, '<html>', html),
      answer(503, '<html>', { ...html, 'Retry-After': '100' }),
    ];
    await keep(0, 1);
    await drain();
    const another = `there is no service at ${url.href}/o/token/, so url is not its address`;
    expect(told.failures).to.deep.equal([
      `no token: 404: ${another}`,
      `no token: 301 (moved to https://elsewhere/): ${another}`,
      `no token: 200: ${another}`,
      'no token: 503',
    ]);
    waits.slice(0, 3).forEach((wait) => {
      expect(wait).to.be.at.least(30_000);
    });
    expect(waits[3]).to.equal(100_000);
    expect(told.sent).to.equal(1);
  });

  it('says what is wrong with an address that takes no connection, or no TLS', async () => {
    const tokensOf = (address: string): Tokens =>
      new Tokens({ url: new URL(address), clientId: 'one', clientSecret: 'secret', timeout: 300 });
    const reasonOf = (failing: Promise<unknown>): Promise<string> =>
      failing.then(
        () => 'none',
        (error: unknown) => messageOf(error),
      );
    const secure = `https://${url.host}`;
    expect(await reasonOf(tokensOf(secure).get())).to.equal(
      `no token: ${secure} speaks no TLS: url may have to begin with http://`,
    );
    const nobody = `127.0.0.1:${await freePort()}`;
    expect(await reasonOf(tokensOf(`http://${nobody}`).get())).to.equal(`no token: connect ECONNREFUSED ${nobody}`);
  });

  it('sends fewer at once where a request is too large, in order, and more again later', async () => {
    answers = [answer(413), answer(413)];
    await keep(0, 8);
    await drain();
    expect(valuesThatArrived()).to.deep.equal([
      [0, 1, 2, 3, 4, 5, 6, 7],
      [0, 1, 2, 3],
      [0, 1],
      [2, 3],
      [4, 5],
      [6, 7],
    ]);
    for (let from = 8; from < 80; from += 2) await keep(from, from + 2);
    await drain();
    expect(arrived.at(-1)?.values).to.have.length.above(2);
    expect(told).to.include({ sent: 80, refused: 0 });
  });

  it('never takes a single event for too large', async () => {
    answers = [answer(413), answer(413)];
    await keep(0, 1);
    await drain();
    expect(told).to.include({ sent: 1, refused: 0 });
    expect(waits).to.have.length(2);
  });

  it('sets events aside that the answer names, and sends the others at once', async () => {
    const errors = [
      { index: 1, path: 'value', message: 'value must be a finite number' },
      { index: 3, message: 'is too old' },
      { index: 3, message: 'and wrong' },
      { index: 99, message: 'is none of them' },
    ];
    answers = [answer(400, { detail: 'Nothing was stored.', errors }, PROBLEM)];
    await keep(0, 5);
    await drain();
    expect(valuesThatArrived()).to.deep.equal([
      [0, 1, 2, 3, 4],
      [0, 2, 4],
    ]);
    expect(waits).to.be.empty;
    expect(told).to.include({ sent: 3, refused: 2 });
    const aside = readFileSync(path.join(directory, 'refused.ndjson'), 'utf8').trimEnd().split('\n');
    expect(aside.map((line) => JSON.parse(line) as unknown)).to.deep.equal([
      {
        refused: '2026-01-05T12:00:00.000Z',
        reason: 'value must be a finite number',
        event: '{"namespace":"Server-1","name":"n1","timestamp":1,"value":1}',
      },
      {
        refused: '2026-01-05T12:00:00.000Z',
        reason: 'is too old; and wrong',
        event: '{"namespace":"Server-1","name":"n3","timestamp":1,"value":3}',
      },
    ]);
  });

  it('sends the others also where there is no room for what was refused', async () => {
    // Nothing can be appended to it, as to a file on a full disk.
    mkdirSync(path.join(directory, 'refused.ndjson'));
    answers = [answer(400, { errors: [{ index: 1, message: 'is refused' }] }, PROBLEM)];
    await keep(0, 3);
    await drain();
    expect(valuesThatArrived()).to.deep.equal([
      [0, 1, 2],
      [0, 2],
    ]);
    expect(told).to.deep.equal({ sent: 2, refused: 1, failures: [] });
    expect(said).to.have.length(1);
    expect(said[0]).to.match(/"n1".* is refused \(it is lost: .*EISDIR/);
  });

  it('finds the one at fault by halves where the answer names none', async () => {
    const refuse: Answer = (events) =>
      events.some(({ value }) => value === 5) ? [422, { detail: 'One of them is wrong.' }, PROBLEM] : [201];
    answers = Array.from({ length: 40 }, () => refuse);
    await keep(0, 16);
    await drain();
    expect(told).to.include({ sent: 15, refused: 1 });
    expect(said).to.deep.equal([
      '{"namespace":"Server-1","name":"n5","timestamp":1,"value":5} 422: One of them is wrong.',
    ]);
  });

  it('says a reason once for each name, however often its events are refused', async () => {
    const errors = [{ index: 0, message: 'is refused' }];
    for (let time = 0; time < 5; time++) {
      answers = [answer(400, { errors }, PROBLEM)];
      await keep(0, 2);
      await drain();
    }
    expect(said).to.have.length(1);
    expect(told).to.include({ sent: 5, refused: 5 });
  });

  it('keeps no more than two megabytes of refused events', async () => {
    const refused = new RefusedEvents(directory, () => undefined);
    for (let time = 0; time < 40; time++) await refused.add(['x'.repeat(100_000)], ['too long'], 0);
    const sizes = ['refused.ndjson', 'refused.1.ndjson'].map((name) => readFileSync(path.join(directory, name)).length);
    expect(Math.max(...sizes)).to.be.below(1.2 * 2 ** 20);
    expect(existsSync(path.join(directory, 'refused.2.ndjson'))).to.equal(false);
  });

  describe('to the real front door', () => {
    let front: Front;
    before(async () => {
      front = await openFront();
    });
    after(() => front.close());

    it('has its events stored as samples, and what is wrong set aside by name', async () => {
      const target = new URL(front.url);
      transport = new Transport({ url: target, timeout: 5000, version: 'test' });
      sender = new Sender({
        buffer,
        transport,
        tokens: { get: () => Promise.resolve('all'), discard: () => undefined },
        refused: new RefusedEvents(directory, (_, reason) => said.push(reason)),
        clock,
        batch: 100,
        observer: {
          sent: (events) => (told.sent += events),
          refused: (events) => (told.refused += events),
          failed: (reason) => told.failures.push(reason),
        },
      });
      await keep(0, 3);
      await buffer.append([{ namespace: '_reserved', name: 'x', timestamp: 1, value: 1 }]);
      await keep(4, 6);
      await drain();
      expect(told).to.deep.equal({ sent: 5, refused: 1, failures: [] });
      expect(said[0]).to.match(/^namespace must be 1 to 128 characters/);
      expect(front.points.map(({ value }) => value)).to.deep.equal([0, 1, 2, 4, 5]);
      expect(front.points.every(({ identity }) => identity.kind === 'sample')).to.equal(true);
    });
  });
});

function eventsIn(body: Buffer): Event[] {
  return gunzipSync(body)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Event);
}

/** How much there is in each of the lists that Node.js keeps in an object. */
function sizesIn(kept: object): unknown[] {
  return Object.getOwnPropertySymbols(kept).map((list) => {
    const { size } = (Reflect.get(kept, list) ?? {}) as { readonly size?: unknown };
    return [list.description, size];
  });
}
