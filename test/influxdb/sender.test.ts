import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import { Sender } from '../../lib/influxdb/sender.js';
import { failureOf } from '../failure.js';

type Reply =
  | {
      readonly status: number;
      readonly message?: string;
      /** Not in InfluxDB's form. */
      readonly page?: string;
      readonly retryAfter?: number | string;
    }
  | 'reset';

const PAGE = '<html><h1>Bad Gateway</h1></html>';

describe('Sending lines to InfluxDB', () => {
  let server: Server | undefined;
  let sender: Sender | undefined;
  const bodies: string[] = [];
  /** How long it wanted to wait, in milliseconds. */
  const pauses: number[] = [];
  let healthy = true;

  /** A stand-in for InfluxDB that answers as it is told, for failures that the real one does not show on request. */
  async function serve(reply: (body: string, attempt: number) => Reply | Promise<Reply>): Promise<Sender> {
    server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => (body += chunk));
      request.on('end', () => {
        if (request.url === '/health') {
          response.writeHead(healthy ? 200 : 503).end('{}');
          return;
        }
        if (body === '') {
          response.writeHead(204).end();
          return;
        }
        bodies.push(body);
        void Promise.resolve(reply(body, bodies.length)).then((answer) => {
          if (answer === 'reset') {
            request.socket.destroy();
            return;
          }
          if (answer.retryAfter !== undefined) response.setHeader('retry-after', answer.retryAfter);
          response.writeHead(answer.status, { 'content-type': 'application/json' });
          response.end(answer.message === undefined ? answer.page : JSON.stringify({ message: answer.message }));
        });
      });
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    sender = senderTo(port);
    return sender;
  }

  function senderTo(port: number): Sender {
    const access = { url: `http://127.0.0.1:${String(port)}`, token: 't', org: 'o', bucket: 'b' };
    const pause = (milliseconds: number): Promise<void> => {
      pauses.push(milliseconds);
      return new Promise((resolve) => setImmediate(resolve));
    };
    return new Sender({ ...access, timeout: 5000, pause });
  }

  afterEach(async () => {
    bodies.length = 0;
    pauses.length = 0;
    healthy = true;
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

  it('arrives whole and in order, however much it is', async () => {
    const to = await serve(() => ({ status: 204 }));
    for (const length of [1, 255, 256, 257, 25_000]) {
      const lines = Array.from({ length }, (_, index) => `é,host=${index} value=${index} ${index}`);
      bodies.length = 0;
      expect(await to.send(lines)).to.deep.equal([]);
      expect(bodies).to.deep.equal([lines.join('\n')]);
    }
  });

  it('is sent side by side where it comes in several, each repeated unchanged until it is answered', async () => {
    const several = ['a', 'b', 'c'].map((name) => [`${name} value=1 1`, `${name}bad value=2 2`, `${name} value=3 3`]);
    const to = await serve((body, attempt) => {
      if (body.startsWith('a') && !bodies.some((other) => other.startsWith('c'))) return { status: 503 };
      if (attempt <= 4) return attempt === 2 ? 'reset' : { status: 503 };
      return body.includes('bad') ? { status: 422, message: 'points beyond retention policy' } : { status: 204 };
    });
    const refused = await to.sendBeside(several);
    expect(refused.map(({ index }) => index)).to.deep.equal([1, 1, 1]);
    const whole = bodies.filter((body) => body.split('\n').length === 3);
    expect(new Set(whole)).to.deep.equal(new Set(several.map((lines) => lines.join('\n'))));
  });

  it('is waited for to the last where one of several is turned away', async () => {
    let answered = 0;
    const to = await serve((body, attempt) => {
      if (body.startsWith('a')) return { status: 401, message: 'unauthorized access' };
      if (attempt < 10) return { status: 503 };
      answered++;
      return { status: 204 };
    });
    const course = { begun: false };
    expect((await failureOf(to.sendBeside([['a 1'], ['b 2'], ['c 3']], course))).message).to.include('INFLUXDB_TOKEN');
    expect([answered, course.begun]).to.deep.equal([2, true]);
  });

  it('is in no trouble any more once it is answered, also where the other of two is still waited for', async () => {
    let answerOther: (reply: Reply) => void = () => undefined;
    const other = new Promise<Reply>((resolve) => (answerOther = resolve));
    let tries = 0;
    let told = '';
    const to = await serve(async (body) => {
      if (body.startsWith('b')) return other;
      if (++tries === 5) told = (await failureOf(to.check())).message;
      return { status: tries > 5 ? 204 : 503 };
    });
    const sent = to.sendBeside([['a value=1 1'], ['b value=2 2']]);
    while (tries < 6 || (await to.check().catch(() => 'trouble')) === 'trouble') {
      await new Promise((resolve) => setImmediate(resolve));
    }
    answerOther({ status: 204 });
    expect(await sent).to.deep.equal([]);
    expect(told).to.include('503');
  });

  it('is not repeated once others may have taken the work over, nor sent in parts', async () => {
    const replies: Reply[] = [{ status: 503 }, { status: 422, message: 'points beyond retention policy' }];
    const to = await serve((_, attempt) => replies[attempt - 1] ?? { status: 204 });
    for (const tries of [1, 2]) {
      bodies.length = 0;
      const lost = new TrackingError('unavailable', 'Lost.');
      const assertHeld = (): void => {
        if (bodies.length === tries) throw lost;
      };
      expect(await failureOf(to.send(['a value=1 1', 'b value=2 2'], { begun: false, assertHeld }))).to.equal(lost);
      expect(bodies).to.deep.equal(Array.from({ length: tries }, () => 'a value=1 1\nb value=2 2'));
    }
  });

  it('fails at once where nothing listens, as nothing can have been stored', async () => {
    const to = await serve(() => ({ status: 204 }));
    await new Promise((resolve) => server?.close(resolve));
    const { code, message } = await failureOf(to.send(['a value=1 1']));
    expect([code, message]).to.deep.equal(['unavailable', message]);
    expect(message).to.match(/cannot be reached\.$/);
    const course = { begun: false };
    expect((await failureOf(to.sendBeside([['a 1'], ['b 2'], ['c 3']], course))).message).to.equal(message);
    expect(course.begun).to.equal(false);
  });

  it('finds the points that InfluxDB refuses, and delivers all others', async () => {
    const stored = new Set<string>();
    const to = await serve((body) => {
      const lines = body.split('\n');
      for (const line of lines) if (!line.includes('bad')) stored.add(line);
      const dropped = lines.filter((line) => line.includes('bad')).length;
      return dropped > 0
        ? { status: 422, message: `partial write: points beyond retention policy dropped=${dropped}` }
        : { status: 204 };
    });
    const lines = Array.from({ length: 40 }, (_, index) => `a value="${index % 13 === 5 ? 'bad' : 'good'}" ${index}`);
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
    const replies: Reply[] = [
      { status: 401, message: 'unauthorized access' },
      { status: 403, message: 'forbidden' },
      { status: 404, message: 'bucket "b" not found' },
      { status: 404, message: 'organization name "o" not found' },
      { status: 404, page: PAGE },
      { status: 200, page: PAGE },
      { status: 301, page: PAGE },
      { status: 405, page: PAGE },
    ];
    const to = await serve((_, attempt) => replies[attempt - 1] ?? { status: 204 });
    const words = ['TOKEN', 'TOKEN', 'BUCKET', 'ORG', 'URL', 'URL', 'URL', 'URL'];
    for (const word of words) {
      const { code, message } = await failureOf(to.send(['a']));
      expect([code, message]).to.deep.equal(['unavailable', message]);
      expect(message).to.include(`INFLUXDB_${word}`);
    }
  });

  it('waits as long as it is asked to, in seconds or until a date, and a minute at most', async () => {
    const inAWhile = new Date(Date.now() + 40_000).toUTCString();
    const asked = [7, inAWhile, 86_400, 'soon', 0, 'Thu, 01 Jan 1970 00:00:00 GMT'];
    const to = await serve((_, attempt) => {
      const retryAfter = asked[attempt - 1];
      return retryAfter === undefined ? { status: 204 } : { status: attempt % 2 ? 429 : 503, retryAfter };
    });
    expect(await to.send(['a'])).to.deep.equal([]);
    const bounds = [
      [7000, 8000],
      [10_000, 41_000],
      [60_000, 61_000],
      [400, 800],
      [800, 1600],
      [1600, 3200],
    ];
    expect(pauses).to.have.length(asked.length);
    pauses.forEach((pause, index) =>
      expect(pause, String(asked[index])).to.be.within(...(bounds[index] as [number, number])),
    );
  });

  it('waits longer each time, never twice the same, and five seconds at most', async () => {
    const to = await serve((_, attempt) => (attempt <= 12 ? 'reset' : { status: 204 }));
    await to.send(['a']);
    expect(pauses[0]).to.be.within(50, 100);
    expect(pauses[3]).to.be.within(400, 800);
    for (const pause of pauses.slice(6)) expect(pause).to.be.within(2500, 5000);
    expect(new Set(pauses).size).to.equal(12);
  });

  it('is repeated where something in front of InfluxDB answers in its place', async () => {
    const statuses = [502, 504, 500, 503, 400, 422, 408, 499, 520];
    const to = await serve((_, attempt) => ({ status: statuses[attempt - 1] ?? 204, page: PAGE }));
    expect(await to.send(['a 1', 'b 2'])).to.deep.equal([]);
    expect(new Set(bodies)).to.deep.equal(new Set(['a 1\nb 2']));
    expect(bodies).to.have.length(statuses.length + 1);
  });

  it('is refused where InfluxDB fails over it each time while it is well otherwise, and all others are stored', async () => {
    const stored: string[] = [];
    const to = await serve((body) => {
      if (body.includes('poison')) return { status: 500, message: 'internal error: unsupported value' };
      stored.push(...body.split('\n'));
      return { status: 204 };
    });
    const lines = Array.from({ length: 1000 }, (_, index) => `${index === 617 ? 'poison' : 'good'} value=1 ${index}`);
    const refused = await to.send(lines);
    expect(refused).to.deep.equal([
      { index: 617, reason: 'InfluxDB fails each time that it is to store it: internal error: unsupported value' },
    ]);
    expect(stored.sort()).to.deep.equal(lines.filter((line) => line.startsWith('good')).sort());
    expect(bodies.filter((body) => body === lines[617])).to.have.length(5);
    expect(bodies.filter((body) => body === lines.join('\n'))).to.have.length(5);
  });

  it('is kept, however often InfluxDB fails, where InfluxDB speaks of itself or is not well', async () => {
    const troubles = [
      'unexpected error writing points to database: write /wal/_00001.wal: no space left on device',
      'unexpected error writing points to database: engine: error writing WAL entry: input/output error',
      'unexpected error writing points to database: open /data/1: read-only file system',
      'unexpected error writing points to database: engine is closed',
      'unexpected error writing points to database: timeout',
      'unexpected error writing points to database: engine: cache-max-memory-size exceeded: (1073741824/1073741824)',
      'unexpected error writing points to database: [shard 7] shard is disabled',
      'unexpected error writing points to database: not attempting to open shard 7; opening shard previously failed with: …',
    ];
    const to = await serve((_, attempt) => {
      const message = troubles[Math.floor((attempt - 1) / 10)];
      if (message !== undefined) return { status: 500, message };
      healthy = attempt > 100;
      return healthy ? { status: 204 } : { status: 500, message: 'whatever' };
    });
    expect(await to.send(['a 1', 'b 2'])).to.deep.equal([]);
    expect(new Set(bodies)).to.deep.equal(new Set(['a 1\nb 2']));
    expect(bodies).to.have.length(101);
  });

  it('is told by the check while InfluxDB does not take it', async () => {
    const said: string[] = [];
    const to = await serve((_, attempt) => {
      if (attempt > 20) return { status: 204 };
      if (attempt > 5) to.check().catch((error: unknown) => said.push(error instanceof Error ? error.message : ''));
      return { status: 500, message: 'no space left on device' };
    });
    await to.check();
    await to.send(['a']);
    await to.check();
    expect(said).to.include('The disk of InfluxDB is full.');
  });

  it('is refused where it is too large by itself', async () => {
    const to = await serve((body) => ({ status: body.includes('large') ? 413 : 204, page: PAGE }));
    expect(await to.send(['a', 'b', 'large', 'd'])).to.deep.equal([
      { index: 2, reason: 'InfluxDB finds it too large.' },
    ]);
  });

  it('waits no longer once it is closed', async () => {
    const to = await serve(() => ({ status: 503, retryAfter: 3600 }));
    const sending = failureOf(to.send(['a']));
    while (bodies.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    to.close();
    expect((await sending).code).to.equal('unavailable');
  });
});
