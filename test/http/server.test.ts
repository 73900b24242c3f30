import { expect } from 'chai';
import Koa from 'koa';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { listen } from '../../lib/http/server.js';
import { TrackingError } from '../../lib/errors.js';
import { openFront, post } from './front.js';
import { raw } from './raw.js';

const EVENT = { namespace: 'Server-1', name: 'cpu', timestamp: 0, value: 42 };

describe('listening', () => {
  it('says in a sentence that the port is taken', async () => {
    const front = await openFront();
    const port = Number(new URL(front.url).port);
    let error: unknown;
    await listen(new Koa(), { host: '127.0.0.1', port }).catch((reason: unknown) => (error = reason));
    expect(error).to.be.instanceOf(TrackingError);
    expect(error)
      .to.have.property('message')
      .that.matches(new RegExp(`port ${port}: another program listens there`));
    await front.close();
  });

  it('names an address that a browser understands', async () => {
    const everywhere = await listen(new Koa(), { host: '0.0.0.0', port: 0 });
    expect(everywhere.url).to.match(/^http:\/\/localhost:\d+$/);
    await everywhere.close();
  });
});

describe('stopping', () => {
  it('answers what is under way, closes its connection, and takes no more', async () => {
    let accept: (() => void) | undefined;
    const front = await openFront({ ingest: { accept: () => new Promise((resolve) => (accept = resolve)) } });
    const request = front.fetch('/api/track/', post(EVENT));
    while (accept === undefined) await new Promise(setImmediate);
    let closed = false;
    const closing = front.close().then(() => (closed = true));
    // Who connected just before is still answered.
    while (await front.fetch('/health').catch(() => false)) await new Promise(setImmediate);
    expect(closed).to.equal(false);
    accept();
    expect((await request).status).to.equal(201);
    await closing;
  });

  it('closes connections that are kept alive', async () => {
    const front = await openFront();
    const socket = connect(Number(new URL(front.url).port), '127.0.0.1');
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    const ended = once(socket, 'end');
    await front.close();
    await ended;
  });

  it('still answers what arrives on a connection that is kept alive, and asks for it to be closed', async () => {
    const front = await openFront({}, { farewell: 200 });
    const socket = connect(Number(new URL(front.url).port), '127.0.0.1').setEncoding('latin1');
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await once(socket, 'data')).to.match(/^HTTP\/1.1 200 [^]*\r\nConnection: keep-alive\r\n/);
    const closing = front.close();
    while (await front.fetch('/health').catch(() => false)) await new Promise(setImmediate);
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await once(socket, 'data')).to.match(/^HTTP\/1.1 200 [^]*\r\nConnection: close\r\n/);
    await Promise.all([closing, once(socket, 'end')]);
  });

  it('does not carry out what arrives when its side of the connection is closed, and resets nothing', async () => {
    const front = await openFront();
    const port = Number(new URL(front.url).port);
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('latin1');
    socket.write('GET /health HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'data');
    const closing = front.close();
    await once(socket, 'end');
    const body = JSON.stringify(EVENT);
    socket.write(
      `POST /api/track HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    await setTimeout(20);
    const closed = once(socket, 'close');
    socket.end(body);
    await closing;
    expect(await closed).to.deep.equal([false]);
    expect(front.points).to.deep.equal([]);
  });

  it('answers all requests that a client sent on one connection', async () => {
    let accept: (() => void) | undefined;
    const front = await openFront({ ingest: { accept: () => new Promise((resolve) => (accept = resolve)) } });
    const body = JSON.stringify(EVENT);
    const track = `POST /api/track HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const answer = raw(front, `${track}GET /health HTTP/1.1\r\nHost: x\r\n\r\n`);
    while (accept === undefined) await new Promise(setImmediate);
    const closing = front.close();
    accept();
    await closing;
    // Both had been sent before, so both are answered, one behind the other.
    expect(await answer).to.match(/^HTTP\/1.1 201 [^]*"accepted":1}HTTP\/1.1 200 /);
  });

  it('asks a connection whose request is under way to be closed', async () => {
    let accept: (() => void) | undefined;
    const front = await openFront({ ingest: { accept: () => new Promise((resolve) => (accept = resolve)) } });
    const answer = front.fetch('/api/track/', post(EVENT));
    while (accept === undefined) await new Promise(setImmediate);
    const closing = front.close();
    while (await front.fetch('/health').catch(() => false)) await new Promise(setImmediate);
    accept();
    expect((await answer).headers.get('connection')).to.equal('close');
    await closing;
  });

  it('cuts off what does not end in time', async () => {
    const front = await openFront({ ingest: { accept: () => new Promise(() => undefined) } });
    const request = front.fetch('/api/track/', post(EVENT)).catch((error: unknown) => error);
    while (front.url === '') await new Promise(setImmediate);
    await front.fetch('/health');
    await front.close(100);
    expect(await request).to.be.instanceOf(Error);
  });
});

describe('what is no HTTP', () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ['nonsense', 'HELLO\r\n\r\n', /^HTTP\/1.1 400 Bad Request\r\n/],
    ['no host', 'GET /health HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 Bad Request\r\n/],
    ['two lengths', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n', /^HTTP\/1.1 400 /],
    ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1.1 431 /],
    ['a line break in a header', 'GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n', /^HTTP\/1.1 400 /],
  ];
  for (const [what, request, answer] of cases) {
    it(`is answered with a problem: ${what}`, async () => {
      const front = await openFront();
      const response = await raw(front, request);
      expect(response).to.match(answer);
      if (what !== 'no host') {
        expect(response).to.match(/Content-Type: application\/problem\+json/);
        const body = JSON.parse(response.slice(response.indexOf('\r\n\r\n'))) as object;
        expect(body).to.include.keys('type', 'title', 'status', 'detail');
      }
      await front.close();
    });
  }
});
