import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import { TrackingError } from '../../lib/errors.js';
import { formatTime } from '../../lib/time.js';
import { type Front, openFront, post, problemIn } from './front.js';

const EVENT = { namespace: 'Server-1', name: 'cpu', timestamp: '2020-11-12T11:10:00', value: 42 };
const MIB = 2 ** 20;

describe('POST /api/track/', () => {
  let front: Front;
  beforeEach(async () => {
    front = await openFront();
  });
  afterEach(() => front.close());

  it('stores one event and says so', async () => {
    const response = await front.fetch('/api/track/', post({ ...EVENT, tags: { host: 'web-1' } }));
    expect(response.status).to.equal(201);
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(await response.text()).to.equal('{"accepted":1}');
    const [point] = front.points;
    expect(point?.series).to.include({ namespace: 'Server-1', name: 'cpu' });
    expect(point?.series.tags).to.deep.equal({ host: 'web-1' });
    expect(formatTime(point?.time ?? 0n)).to.equal('2020-11-12T11:10:00Z');
  });

  it('is there without the last slash too', async () => {
    expect((await front.fetch('/api/track', post(EVENT))).status).to.equal(201);
  });

  it('stores an array, and takes an empty one', async () => {
    expect(await (await front.fetch('/api/track/', post([EVENT, EVENT]))).json()).to.deep.equal({ accepted: 2 });
    expect(await (await front.fetch('/api/track/', post([]))).json()).to.deep.equal({ accepted: 0 });
    expect(front.points).to.have.length(2);
  });

  for (const type of ['application/x-ndjson', 'application/ndjson', 'application/jsonl; charset=utf-8']) {
    it(`stores ${type} line by line and ignores blank lines`, async () => {
      const body = `${JSON.stringify(EVENT)}\r\n\n  \n${JSON.stringify({ ...EVENT, value: 1 })}`;
      const response = await front.fetch('/api/track/', post(body, { 'content-type': type }));
      expect(await response.json()).to.deep.equal({ accepted: 2 });
      expect(front.points.map(({ value }) => value)).to.deep.equal([42, 1]);
    });
  }

  it('names broken lines and bad events of NDJSON together, by position and line', async () => {
    const lines = [
      '',
      '{"namespace": "a" "name"}',
      JSON.stringify(EVENT),
      '',
      JSON.stringify({ ...EVENT, value: 'x' }),
    ];
    const type = { 'content-type': 'application/x-ndjson' };
    const problem = await problemIn(await front.fetch('/api/track/', post(lines.join('\n'), type)));
    expect(problem.status).to.equal(400);
    expect(problem.errors).to.deep.equal([
      { index: 0, message: 'line 2 is not JSON: column 19: expected a comma or }, found "' },
      { index: 2, path: 'value', message: 'value must be a finite number' },
    ]);
    expect(front.points).to.be.empty;
  });

  it('stores nothing when one event of many is bad, and lists the first hundred', async () => {
    const bad = Array.from({ length: 150 }, () => ({ ...EVENT, value: null }));
    const problem = await problemIn(await front.fetch('/api/track/', post([EVENT, ...bad])));
    expect(problem.errors).to.have.length(100);
    expect(problem.errors?.[0]).to.include({ index: 1, path: 'value' });
    expect(problem.errorCount).to.equal(150);
    expect(front.points).to.be.empty;
  });

  it('reads gzip', async () => {
    const response = await front.fetch(
      '/api/track/',
      post(gzipSync(JSON.stringify(EVENT)), { 'content-encoding': 'gzip' }),
    );
    expect(response.status).to.equal(201);
    expect(front.points).to.have.length(1);
  });

  it('reads a byte order mark as nothing', async () => {
    expect((await front.fetch('/api/track/', post(`\uFEFF${JSON.stringify(EVENT)}`))).status).to.equal(201);
  });

  it('gives back characters of every kind as they came', async () => {
    const namespace = 'a,b=c "d" \\ 😀/%25#é\\';
    await front.track([{ ...EVENT, namespace }]);
    expect(front.points[0]?.series.namespace).to.equal(namespace);
    expect(await (await front.fetch('/api/events/')).json()).to.deep.equal([namespace]);
    const path = `/api/events/${encodeURIComponent(namespace)}/cpu`;
    expect(await (await front.fetch(path)).json()).to.have.length(1);
  });

  const refusals: readonly (readonly [string, string | Uint8Array, Record<string, string>, number, RegExp])[] = [
    ['an empty body', '', {}, 400, /empty/],
    ['white space', ' \n ', {}, 400, /empty/],
    ['broken JSON', '{\n  "namespace": Server}', {}, 400, /line 2, column 16: expected a value, found Server/],
    ['JSON that is cut off', '[{"namespace": "a"', {}, 400, /it ends where a comma or } was expected/],
    ['a number', '42', {}, 400, /an event \(a JSON object\) or an array/],
    ['a string', '"event"', {}, 400, /an event \(a JSON object\) or an array/],
    ['null', 'null', {}, 400, /an event \(a JSON object\) or an array/],
    ['what is not UTF-8', Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d), {}, 400, /UTF-8/],
    ['broken gzip', '{"not": "gzip"}', { 'content-encoding': 'gzip' }, 400, /broken gzip/],
    [
      'gzip that is cut off',
      gzipSync(JSON.stringify(EVENT)).subarray(0, 30),
      { 'content-encoding': 'gzip' },
      400,
      /gzip/,
    ],
    ['another encoding', '{}', { 'content-encoding': 'br' }, 415, /br is not accepted. .* gzip/],
    ['another type', '{}', { 'content-type': 'text/xml' }, 415, /Send one of application\/json/],
    ['a form', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, 415, /Send one of application\/json/],
    ['another charset', '{}', { 'content-type': 'application/json; charset=utf-16' }, 415, /utf-16/],
    ['an idempotency key of 129 characters', '[]', { 'idempotency-key': 'k'.repeat(129) }, 400, /Idempotency-Key/],
    ['an idempotency key with a tab', '[]', { 'idempotency-key': 'a\tb' }, 400, /Idempotency-Key/],
  ];
  for (const [what, body, headers, status, words] of refusals) {
    it(`refuses ${what} with a sentence`, async () => {
      const problem = await problemIn(await front.fetch('/api/track/', post(body, headers)));
      expect(problem).to.include({ status });
      expect(problem.detail).to.match(words);
      expect(front.points).to.be.empty;
    });
  }

  it('refuses a body without a type, and names those it takes', async () => {
    const response = await front.fetch('/api/track/', { method: 'POST', body: new Uint8Array(3) });
    expect((await problemIn(response)).detail).to.match(/no Content-Type. Send one of application\/json/);
  });

  it('refuses parameters it does not know, naming the one it does', async () => {
    const problem = await problemIn(await front.fetch('/api/track/?identiy=timestamp', post(EVENT)));
    expect(problem.errors?.[0]?.message).to.match(/did you mean identity/);
    const wrong = await problemIn(await front.fetch('/api/track/?identity=id', post(EVENT)));
    expect(wrong.errors?.[0]).to.deep.equal({
      path: 'identity',
      message: 'identity must be timestamp, or be left out',
    });
  });

  it('takes samples with ?identity=timestamp: the last value stays', async () => {
    await front.fetch('/api/track/?identity=timestamp', post(EVENT));
    await front.fetch('/api/track/?identity=timestamp', post({ ...EVENT, value: 43 }));
    expect(front.points.map(({ value }) => value)).to.deep.equal([43]);
  });

  it('counts a request that is resent with its Idempotency-Key once', async () => {
    const events = [EVENT, EVENT, { ...EVENT, id: 'own' }];
    for (const _ of [1, 2]) {
      const response = await front.fetch('/api/track/', post(events, { 'idempotency-key': 'batch 1' }));
      expect(await response.json()).to.deep.equal({ accepted: 3 });
    }
    expect(front.points).to.have.length(3);
  });

  it('refuses namespaces outside the application’s, naming the events', async () => {
    const events = [EVENT, { ...EVENT, namespace: 'Frontend' }];
    const problem = await problemIn(
      await front.fetch('/api/track/', post(events, { authorization: 'Bearer limited' })),
    );
    expect(problem.status).to.equal(403);
    expect(problem.errors).to.deep.equal([
      { index: 1, path: 'namespace', message: '"Frontend" is outside the application\'s namespaces' },
    ]);
    expect(front.points).to.be.empty;
  });

  describe('limits', () => {
    it('takes 10,000 events and refuses one more', async () => {
      const events = Array.from({ length: 10_000 }, () => EVENT);
      await front.track(events);
      const problem = await problemIn(await front.fetch('/api/track/', post([...events, EVENT])));
      expect(problem.status).to.equal(413);
      const lines = `${JSON.stringify(EVENT)}\n`.repeat(10_001);
      const asLines = await front.fetch('/api/track/', post(lines, { 'content-type': 'application/x-ndjson' }));
      expect((await problemIn(asLines)).detail).to.match(/10000 events, and this one has 10001/);
      expect(front.points).to.have.length(10_000);
    });

    it('refuses millions of arrays and objects before it reads them, and repeats no key of megabytes', async () => {
      for (const body of ['['.repeat(4 * MIB) + ']'.repeat(4 * MIB), '{"":'.repeat(MIB), `[${'[],'.repeat(MIB)}[]]`]) {
        const problem = await problemIn(await front.fetch('/api/track/', post(body)));
        expect(problem).to.include({ status: 400 });
        expect(problem.detail).to.match(/^The body holds more than 1(?:00)?000 objects and arrays/);
      }
      const text = await (await front.fetch('/api/track/', post({ ...EVENT, ['k'.repeat(MIB)]: 1 }))).text();
      expect(text.length).to.be.lessThan(2000);
    });

    it('takes 8 MiB and refuses one byte more', async () => {
      const event = JSON.stringify(EVENT);
      expect((await front.fetch('/api/track/', post(event.padEnd(8 * MIB)))).status).to.equal(201);
      const response = await front.fetch('/api/track/', post(event.padEnd(8 * MIB + 1)));
      expect(response.headers.get('connection')).to.equal('close');
      expect((await problemIn(response)).detail).to.match(/at most 8 MiB/);
    });

    it('refuses what inflates to more than 8 MiB', async () => {
      const bomb = gzipSync(Buffer.alloc(64 * MIB, ' '));
      expect(bomb.length).to.be.below(MIB);
      const problem = await problemIn(await front.fetch('/api/track/', post(bomb, { 'content-encoding': 'gzip' })));
      expect(problem.status).to.equal(413);
    });

    it('answers a body without end, and of unknown length, while it is still sent', async () => {
      const endless = new ReadableStream({
        pull: (controller) => {
          controller.enqueue(Buffer.alloc(65_536, ' '));
        },
      });
      const response = await front.fetch('/api/track/', {
        ...post(''),
        body: endless,
        duplex: 'half',
      });
      expect((await problemIn(response)).status).to.equal(413);
    });
  });

  it('passes on what the store says, with the time to retry', async () => {
    const ingest = {
      accept: () => Promise.reject(new TrackingError('unavailable', 'The disk is full.', { retryAfter: 5 })),
    };
    const full = await openFront({ ingest });
    const response = await full.fetch('/api/track/', post(EVENT, { 'x-request-id': 'req-1' }));
    expect(response.headers.get('retry-after')).to.equal('5');
    expect(await problemIn(response)).to.include({ status: 503, detail: 'The disk is full.', requestId: 'req-1' });
    await full.close();
    expect(full.logged.map(({ level, message }) => ({ level, message }))).to.deep.include({
      level: 'warn',
      message: 'The disk is full.',
    });
  });

  it('lets a client go that hangs up while it waits', async () => {
    let accept: (() => void) | undefined;
    const slow = await openFront({ ingest: { accept: () => new Promise((resolve) => (accept = resolve)) } });
    const abort = new AbortController();
    const request = slow
      .fetch('/api/track/', { ...post(EVENT), signal: abort.signal })
      .catch((error: unknown) => error);
    while (accept === undefined) await new Promise(setImmediate);
    abort.abort();
    await request;
    while (slow.logged.length === 0) await new Promise(setImmediate);
    accept();
    expect((await slow.fetch('/health')).status).to.equal(200);
    await slow.close();
    expect(slow.logged[0]).to.include({ message: 'request', aborted: true });
    expect(slow.logged.filter(({ level }) => level === 'error')).to.be.empty;
  });
});
