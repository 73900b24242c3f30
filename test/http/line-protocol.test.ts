import { InfluxDB, Point, setLogger } from '@influxdata/influxdb-client';
import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { TrackingError } from '../../lib/errors.js';
import { type Front, openFront } from './front.js';

const SECOND = 1_000_000_000n;

describe('POST /api/v2/write and /write', () => {
  let front: Front;
  let dropped = 0;
  beforeEach(async () => {
    dropped = 0;
    front = await openFront({ lineProtocol: { strings: 'refuse', dropped: (strings) => (dropped += strings) } });
  });
  afterEach(() => front.close());

  function write(path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
    return front.fetch(path, { method: 'POST', body: typeof body === 'string' ? body : new Uint8Array(body), headers });
  }

  function stored(): string[] {
    return front.points.map(
      ({ series, value, time, identity }) =>
        `${series.namespace}/${series.name}${JSON.stringify(series.tags)}=${value}@${String(time)} ${identity.kind}`,
    );
  }

  it('store lines and answer 204, whatever bucket, organization or database is named', async () => {
    const two = await write('/api/v2/write?org=o&bucket=b&precision=s', 'cpu,host=a user=1,idle=98i 10');
    expect([two.status, await two.text()]).to.deep.equal([204, '']);
    const one = await write('/write?db=d&rp=r&consistency=any&precision=u', 'cpu,host=a user=2 10');
    expect([one.status, await one.text()]).to.deep.equal([204, '']);
    expect(stored()).to.have.members([
      'cpu/user{"host":"a"}=1@10000000000 sample',
      'cpu/idle{"host":"a"}=98@10000000000 sample',
      'cpu/user{"host":"a"}=2@10000 sample',
    ]);
  });

  it('take every precision of InfluxDB 2 and of 1, and no other', async () => {
    const units = {
      n: 1n,
      ns: 1n,
      u: 1000n,
      us: 1000n,
      µ: 1000n,
      µs: 1000n,
      ms: SECOND / 1000n,
      s: SECOND,
      m: 60n * SECOND,
      h: 3600n * SECOND,
    };
    for (const [precision, unit] of Object.entries(units)) {
      expect((await write(`/write?precision=${encodeURIComponent(precision)}`, `${precision} v=1 7`)).status).to.equal(
        204,
      );
      expect(front.points.at(-1)?.time).to.equal(7n * unit);
    }
    for (const precision of ['m', 'u', 'x', 'constructor']) {
      const answer = await write(`/api/v2/write?precision=${precision}`, 'm v=1 7');
      expect(answer.status).to.equal(400);
      expect(await answer.json()).to.deep.equal({
        code: 'invalid',
        message: `precision must be one of ns, us, ms, s, not "${precision}".`,
      });
    }
  });

  it('take gzip, and any media type or none', async () => {
    const gzip = await write('/api/v2/write', gzipSync('m v=1 1'), { 'content-encoding': 'gzip' });
    expect(gzip.status).to.equal(204);
    for (const type of ['text/plain; charset=utf-8', 'application/json', 'application/x-www-form-urlencoded', '']) {
      expect((await write('/write', `m v=1 2`, { 'content-type': type })).status, type).to.equal(204);
    }
    expect(front.points).to.have.length(2);
  });

  it('take the credentials of clients of InfluxDB', async () => {
    for (const authorization of [
      'Token all:all-secret',
      'Token all',
      'Bearer all',
      `Basic ${Buffer.from('all:all-secret').toString('base64')}`,
    ]) {
      expect((await write('/api/v2/write', 'm v=1 1', { authorization })).status, authorization).to.equal(204);
    }
    // As when only a part of the two was encoded.
    const half = await write('/api/v2/write', 'm v=1 1', { authorization: 'Basic YWxs:all-secret' });
    expect(half.status).to.equal(401);
    expect(await half.text()).to.contain('HTTP Basic');
    for (const authorization of ['Token client', 'Bearer client:secret', 'Token late-client']) {
      const mistaken = await write('/api/v2/write', 'm v=1 1', { authorization });
      expect(mistaken.status).to.equal(401);
      expect(await mistaken.text()).to.contain('Token CLIENT_ID:CLIENT_SECRET');
    }
  });

  it('count a sample once, and keep its last value, also within one request', async () => {
    await write('/write', 'm,b=1,a=2 v=1 1\nm,a=2,b=1 v=2 1');
    await write('/write', 'm,b=1,a=2 v=3 1\nm,a=2,b=1 v=4 1');
    expect(stored()).to.deep.equal(['m/v{"a":"2","b":"1"}=4@1 sample']);
  });

  it('give lines without a timestamp the time of receipt, and count each', async () => {
    const before = BigInt(Date.now()) * 1_000_000n;
    await write('/write?precision=s', 'm v=1\nm v=1');
    expect(front.points).to.have.length(2);
    for (const { time, identity } of front.points) {
      expect(identity.kind).to.equal('none');
      expect(time >= before && time <= before + 60n * SECOND).to.equal(true);
    }
  });

  it('take a body without lines', async () => {
    for (const body of ['', '\n\n', '# nothing']) expect((await write('/api/v2/write', body)).status).to.equal(204);
    expect(front.points).to.have.length(0);
  });

  it('refuse the whole body where a line is bad, in the form of InfluxDB 2', async () => {
    const answer = await write('/api/v2/write', 'm v=1 1\nm,a v=1\nm v=ä');
    expect(answer.status).to.equal(400);
    expect(answer.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(answer.headers.get('x-platform-error-code')).to.equal('invalid');
    const { code, message } = (await answer.json()) as { code: string; message: string };
    expect(code).to.equal('invalid');
    expect(message).to.equal(
      'Nothing was stored: 2 of 3 line(s) are not right. line 2 has a tag "a" without a value: TAG=VALUE; ' +
        'line 3 has a field "v" with the value "ä", which is none: a number such as 0.5, 5i or 5u, true or false, or a "string".',
    );
    expect(front.points).to.have.length(0);
  });

  it('refuse it in the form of InfluxDB 1, whose header holds what it can', async () => {
    const answer = await write('/write', `m v=ä1\n${'x\n'.repeat(200)}`);
    expect(answer.status).to.equal(400);
    const { error } = (await answer.json()) as { error: string };
    expect(error).to.match(/^Nothing was stored: 201 of 201 .*"ä1".*; and 181 more\.$/);
    expect(answer.headers.get('x-influxdb-error')).to.equal(
      error.replaceAll('ä', '?').replaceAll('…', '?').slice(0, 1000),
    );
  });

  it('refuse strings, unless the request or the settings let them be dropped, and count those', async () => {
    const line = 'system up="1 day",load1=0.5,ok="yes" 1';
    expect((await write('/write', line)).status).to.equal(400);
    const answer = await write('/write?strings=drop', line);
    expect([answer.status, answer.headers.get('x-dropped-strings')]).to.deep.equal([204, '2']);
    expect(dropped).to.equal(2);
    expect(stored()).to.deep.equal(['system/load1{}=0.5@1 sample']);
    expect((await write('/write?strings=keep', line)).status).to.equal(400);
    await front.close();
    front = await openFront({ lineProtocol: { strings: 'drop', dropped: () => undefined } });
    expect((await write('/write', line)).status).to.equal(204);
    expect((await write('/write?strings=refuse', line)).status).to.equal(400);
  });

  it('answer every refusal with the code of InfluxDB, and say when to come again', async () => {
    const codes: [number, string][] = [];
    const ask = async (body: string, headers: Record<string, string>): Promise<Response> => {
      const answer = await write('/api/v2/write', body, headers);
      const { code, message } = (await answer.clone().json()) as { code: string; message: string };
      expect(message).to.match(/[.)]$/);
      codes.push([answer.status, code]);
      return answer;
    };
    expect((await ask('m v=1', { authorization: 'Token nobody' })).headers.get('www-authenticate')).to.match(/^Bearer/);
    await ask('m v=1', { authorization: 'Token reader' });
    await ask('m v=1', { authorization: 'Token limited' });
    await ask('m v=1 1\n'.repeat(10_001), {});
    await ask('m v=1 1', { 'content-encoding': 'br' });
    const failures = ['unprocessable', 'too-many-requests', 'unavailable'] as const;
    for (const code of failures) {
      await front.close();
      front = await openFront({
        ingest: { accept: () => Promise.reject(new TrackingError(code, 'No.', { retryAfter: 7 })) },
      });
      const { headers } = await ask('m v=1', {});
      expect(headers.get('retry-after')).to.equal(code === 'unprocessable' ? null : '7');
    }
    await front.close();
    front = await openFront({ ingest: { accept: () => Promise.reject(new Error('a secret')) } });
    expect(await (await ask('m v=1', {})).text()).not.to.include('secret');
    expect(codes).to.deep.equal([
      [401, 'unauthorized'],
      [403, 'forbidden'],
      [403, 'forbidden'],
      [413, 'request too large'],
      [415, 'invalid'],
      [422, 'unprocessable entity'],
      [429, 'too many requests'],
      [503, 'unavailable'],
      [500, 'internal error'],
    ]);
  });

  it('are understood by the client of InfluxDB, and it by them', async () => {
    const client = new InfluxDB({ url: front.url, token: 'all:all-secret' });
    const api = client.getWriteApi('org', 'bucket', 'ms', { gzipThreshold: 10, maxRetries: 0 });
    api.writePoint(
      new Point('a b').tag('t,=', 'ü ,=').floatField('f"', 1e-9).intField('i', 5).uintField('u', 6).timestamp(7),
    );
    api.writePoint(new Point('a b').booleanField('yes', true).timestamp(8));
    await api.flush();
    expect(stored()).to.have.members([
      'a b/f"{"t,=":"ü ,="}=1e-9@7000000 sample',
      'a b/i{"t,=":"ü ,="}=5@7000000 sample',
      'a b/u{"t,=":"ü ,="}=6@7000000 sample',
      'a b/yes{}=1@8000000 sample',
    ]);
    const refused: unknown[] = [];
    const logger = setLogger({ error: () => undefined, warn: () => undefined });
    const bad = client.getWriteApi('org', 'bucket', 'ms', {
      maxRetries: 0,
      writeFailed: (error) => void refused.push(error.message),
    });
    bad.writePoint(new Point('log').stringField('text', 'hello'));
    await bad.close().catch(() => undefined);
    setLogger(logger);
    expect(refused).to.have.length(1);
    expect(refused[0]).to.match(/line 1 has a field "text" that is a string/);
  });
});

describe('/ping and /health', () => {
  it('tell clients of InfluxDB that somebody is there', async () => {
    const front = await openFront();
    for (const method of ['GET', 'HEAD']) {
      const answer = await fetch(`${front.url}/ping`, { method });
      expect(answer.status).to.equal(204);
      expect(answer.headers.get('x-influxdb-version')).to.match(/^v2\.\d+\.\d+/);
      expect(answer.headers.get('x-influxdb-build')).to.equal('OSS');
    }
    expect(await (await fetch(`${front.url}/health`)).json()).to.include({ status: 'pass' });
    await front.close();
  });
});
