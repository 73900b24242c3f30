import { gzipSync } from 'node:zlib';
import { connect } from 'node:net';
import { once } from 'node:events';
import { expect } from 'chai';
import { Admission } from '../../lib/admission.js';
import { REQUEST_BYTES } from '../../lib/http/admit-body.js';
import { type Front, openFront, post, problemIn } from './front.js';

const EVENT = { namespace: 'Server-1', name: 'cpu', timestamp: 0, value: 42 };
const LINES = { 'content-type': 'application/x-ndjson' };
const MEBIBYTE = 2 ** 20;

/** Room for half a request of the largest size. */
const ROOM = 4 * MEBIBYTE;

const HEAD =
  'POST /api/track/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer all\r\nContent-Type: application/x-ndjson\r\n';

describe('the bytes of pending requests', () => {
  let front: Front;
  let admission: Admission;
  beforeEach(async () => {
    admission = new Admission(ROOM);
    front = await openFront({ admission });
  });
  afterEach(async () => {
    await front.close();
    expect(admission.pendingBytes).to.equal(0);
  });

  /** Blank lines do not count, so that bodies can be of any size. */
  function padded(size: number): string {
    return `${JSON.stringify(EVENT)}\n${' '.repeat(size)}`;
  }

  function chunked(text: string): RequestInit & { duplex: 'half' } {
    return { ...post('', LINES), body: new Blob([text]).stream(), duplex: 'half' };
  }

  it('count while a body is read, inflated and waits for the store, and no longer', async () => {
    await front.close();
    const pending: number[] = [];
    const accept = (_points: unknown, sender: string, bytes: number): Promise<void> => {
      pending.push(bytes);
      admission.leave(bytes, sender);
      return Promise.resolve();
    };
    front = await openFront({ admission, ingest: { accept } });
    const text = padded(100_000);
    const zipped = gzipSync(text);
    for (const init of [post(text, LINES), post(zipped, { ...LINES, 'content-encoding': 'gzip' }), chunked(text)]) {
      expect((await front.fetch('/api/track/', init)).status).to.equal(201);
      expect(admission.pendingBytes).to.equal(0);
    }
    expect(pending).to.deep.equal(new Array(3).fill(REQUEST_BYTES + text.length));
  });

  it('leave also where the request is refused, broken or given up', async () => {
    for (const init of [
      post('[', LINES),
      post('{}', { 'content-encoding': 'gzip' }),
      post(gzipSync(padded(10)).subarray(0, 20), { ...LINES, 'content-encoding': 'gzip' }),
      post(padded(9 * MEBIBYTE), LINES),
      post([]),
    ]) {
      await front.fetch('/api/track/', init);
      expect(admission.pendingBytes).to.equal(0);
    }
    const socket = connect(Number(new URL(front.url).port), '127.0.0.1');
    socket.write(`${HEAD}Content-Length: 1000\r\n\r\n{`);
    while (admission.pendingBytes === 0) await new Promise(setImmediate);
    expect(admission.pendingBytes).to.equal(REQUEST_BYTES + 1000);
    socket.destroy();
    await once(socket, 'close');
    while (admission.pendingBytes > 0) await new Promise(setImmediate);
  });

  it('refuse one request more before its body is read, where its length is known', async () => {
    admission.enter(0.75 * ROOM, 'somebody else');
    const socket = connect(Number(new URL(front.url).port), '127.0.0.1').setEncoding('latin1');
    socket.write(`${HEAD}Content-Length: ${ROOM / 2}\r\n\r\n`);
    let answer = '';
    while (!answer.includes('}')) answer += String(await once(socket, 'data'));
    socket.destroy();
    expect(answer).to.match(/^HTTP\/1.1 503 [^]*\r\nRetry-After: 1\r\n[^]*Nothing of this request was stored/);
    expect(admission.pendingBytes).to.equal(0.75 * ROOM);
    admission.leave(0.75 * ROOM, 'somebody else');
    await front.track([EVENT]);
  });

  it('refuse it as soon as it shows, where its length is not known, or what it holds', async () => {
    admission.enter(0.75 * ROOM, 'somebody else');
    const text = padded(ROOM / 2);
    for (const init of [chunked(text), post(gzipSync(text), { ...LINES, 'content-encoding': 'gzip' })]) {
      expect((await problemIn(await front.fetch('/api/track/', init))).status).to.equal(503);
      expect(admission.pendingBytes).to.equal(0.75 * ROOM);
    }
    admission.leave(0.75 * ROOM, 'somebody else');
    await front.track([EVENT]);
  });

  it('refuse who has his share of them, and nobody else', async () => {
    admission.enter(0.75 * ROOM, 'all');
    const refused = await front.fetch('/api/track/', post(padded(ROOM / 8), LINES));
    expect(refused.headers.get('retry-after')).to.equal('1');
    expect((await problemIn(refused)).status).to.equal(429);
    const other = post(padded(ROOM / 8), { ...LINES, authorization: 'Bearer writer' });
    expect((await front.fetch('/api/track/', other)).status).to.equal(201);
    admission.leave(0.75 * ROOM, 'all');
  });
});
