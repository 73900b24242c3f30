import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import { Sender } from '../../lib/influxdb/sender.js';

type Reply = { readonly status: number; readonly message?: string; readonly retryAfter?: number } | 'reset';

describe('Sending lines to InfluxDB', () => {
  let server: Server | undefined;
  let sender: Sender | undefined;
  const bodies: string[] = [];

  /** A stand-in for InfluxDB that answers as it is told, for failures that the real one does not show on request. */
  async function serve(reply: (body: string, attempt: number) => Reply): Promise<Sender> {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        bodies.push(body);
        const answer = reply(body, bodies.length);
        if (answer === 'reset') {
          request.socket.destroy();
          return;
        }
        if (answer.retryAfter !== undefined) response.setHeader('retry-after', answer.retryAfter);
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(answer.message === undefined ? '' : JSON.stringify({ message: answer.message }));
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    sender = senderTo(port);
    return sender;
  }

  function senderTo(port: number): Sender {
    return new Sender({ url: `http://127.0.0.1:${String(port)}`, token: 't', org: 'o', bucket: 'b', timeout: 5000 });
  }

  async function failureOf(work: Promise<unknown>): Promise<TrackingError> {
    try {
      await work;
    } catch (error) {
      if (error instanceof TrackingError) return error;
      throw error;
    }
    throw new Error('It should have failed.');
  }

  afterEach(async () => {
    bodies.length = 0;
    sender?.close();
    server?.closeAllConnections();
    await new Promise<unknown>((resolve) => {
      if (server?.listening === true) server.close(resolve);
      else resolve(undefined);
    });
  });

  it('is repeated unchanged until it is answered, whatever became of the first try', async () => {
    const replies: Reply[] = ['reset', { status: 503 }, { status: 500, message: 'timeout' }, { status: 204 }];
    const to = await serve((_, attempt) => replies[attempt - 1] ?? { status: 204 });
    expect(await to.send(['a value=1 1', 'b value=2 2'])).to.deep.equal([]);
    expect(bodies).to.deep.equal(Array.from({ length: 4 }, () => 'a value=1 1\nb value=2 2'));
  });

  it('fails at once where nothing listens, as nothing can have been stored', async () => {
    const to = await serve(() => ({ status: 204 }));
    await new Promise((resolve) => server?.close(resolve));
    const { code, message } = await failureOf(to.send(['a value=1 1']));
    expect([code, message]).to.deep.equal(['unavailable', message]);
    expect(message).to.match(/cannot be reached at 127\.0\.0\.1:\d+\.$/);
  });

  it('finds the points that InfluxDB refuses, and delivers all others', async () => {
    const stored = new Set<string>();
    const to = await serve((body) => {
      const lines = body.split('\n');
      for (const line of lines) if (!line.includes('bad')) stored.add(line);
      return lines.some((line) => line.includes('bad'))
        ? { status: 422, message: 'partial write: points beyond retention policy dropped=7' }
        : { status: 204 };
    });
    const lines = Array.from({ length: 40 }, (_, index) => `${index % 13 === 5 ? 'bad' : 'good'} value=1 ${index}`);
    const refused = await to.send(lines);
    expect(refused.map(({ index }) => index)).to.deep.equal([5, 18, 31]);
    expect(refused[0]?.reason).to.match(/older than the bucket keeps points/);
    expect(stored.size).to.equal(37);
  });

  it('sets aside the lines that InfluxDB names', async () => {
    const to = await serve((body) =>
      body.includes('worse') ? { status: 400, message: "unable to parse 'worse value=1 2': bad" } : { status: 204 },
    );
    expect((await to.send(['a value=1 1', 'worse value=1 2', 'c value=1 3'])).map(({ index }) => index)).to.deep.equal([
      1,
    ]);
    expect(bodies.at(-1)).to.equal('a value=1 1\nc value=1 3');
  });

  it('sends less at a time where InfluxDB finds it too much', async () => {
    const to = await serve((body) => ({ status: body.split('\n').length > 2 ? 413 : 204 }));
    expect(await to.send(['a', 'b', 'c', 'd', 'e'])).to.deep.equal([]);
    expect(bodies.filter((body) => body.split('\n').length <= 2).join('\n')).to.equal('a\nb\nc\nd\ne');
  });

  it('says what is wrong with the settings', async () => {
    const to = await serve((_, attempt) =>
      attempt === 1
        ? { status: 401, message: 'unauthorized access' }
        : { status: 404, message: 'bucket "b" not found' },
    );
    expect((await failureOf(to.send(['a']))).message).to.include('INFLUXDB_TOKEN');
    expect((await failureOf(to.check())).message).to.include('INFLUXDB_BUCKET');
  });

  it('waits no longer once it is closed', async () => {
    const to = await serve(() => ({ status: 503, retryAfter: 3600 }));
    const sending = failureOf(to.send(['a']));
    while (bodies.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    to.close();
    expect((await sending).code).to.equal('unavailable');
  });
});
