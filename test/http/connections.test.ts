import { once } from 'node:events';
import { type Socket, connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { EndlessStore } from './endless-store.js';
import { type Front, openFront, post } from './front.js';

const EVENT = { namespace: 'Server-1', name: 'cpu', timestamp: 0, value: 42 };
const TIMEOUT = { clientTimeout: 200 };

function open(front: Front): Socket {
  return connect(Number(new URL(front.url).port), '127.0.0.1')
    .setEncoding('latin1')
    .on('error', () => undefined);
}

/** Sends a text and then a character every few milliseconds, and gives what comes back until the connection ends. */
async function dribble(front: Front, text: string): Promise<string> {
  const socket = open(front);
  let answer = '';
  socket.on('data', (more: string) => (answer += more));
  socket.write(text);
  const drops = setInterval(() => socket.write('x'), 20);
  await once(socket, 'close');
  clearInterval(drops);
  return answer;
}

describe('a slow or dead client', () => {
  let front: Front;
  afterEach(() => front.close());

  it('is cut off when its headers dribble in', async () => {
    front = await openFront({}, TIMEOUT);
    expect(await dribble(front, 'GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ')).to.match(/^HTTP\/1.1 408 /);
  });

  it('is cut off when its body dribbles in, and what came of it is forgotten', async () => {
    front = await openFront({}, TIMEOUT);
    const answer = await dribble(
      front,
      'POST /api/track/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{',
    );
    expect(answer).to.match(/^HTTP\/1.1 408 [^]*The request did not arrive in time/);
  });

  it('holds no connection by sending nothing: a thousand of them leave, and others are served meanwhile', async () => {
    front = await openFront({}, TIMEOUT);
    const sockets = Array.from({ length: 1000 }, () => open(front).resume());
    const closed = sockets.map((socket) => once(socket, 'close'));
    // Some have begun to send and stopped.
    for (const socket of sockets.slice(0, 300)) socket.write('POST /api/track/ HTTP/1.1\r\nHost: x\r\n');
    await front.track([EVENT]);
    await Promise.all(closed);
    await front.track([EVENT]);
  });

  it('that stops reading an answer lets go of the store', async () => {
    const store = new EndlessStore();
    front = await openFront({ store }, TIMEOUT);
    const socket = open(front);
    socket.write(
      'GET /api/events/a/b?granularity=none&limit=10000000 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\n\r\n',
    );
    await once(socket, 'data');
    socket.pause();
    await store.ended;
    socket.destroy();
  });

  it('that reads slowly is served to the end', async () => {
    front = await openFront({}, TIMEOUT);
    await front.track(Array.from({ length: 10_000 }, (_, timestamp) => ({ ...EVENT, timestamp })));
    const response = await front.fetch('/api/events/Server-1/cpu?granularity=none', {
      headers: { accept: 'application/x-ndjson' },
    });
    let lines = 0;
    for await (const chunk of response.body ?? []) {
      lines += Buffer.from(chunk as Uint8Array).filter((byte) => byte === 10).length;
      await setTimeout(50);
    }
    expect(lines).to.equal(10_000);
  });

  it('is none that waits for the store, however long that takes', async () => {
    front = await openFront({ ingest: { accept: () => setTimeout(3 * TIMEOUT.clientTimeout) } }, TIMEOUT);
    const response = await front.fetch('/api/track/', post(EVENT));
    expect(response.status).to.equal(201);
  });
});
