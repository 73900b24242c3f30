import { expect } from 'chai';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { compressSync } from 'snappy';
import { Admission } from '../../../lib/admission.js';
import { type Front, openFront } from '../front.js';
import { type SentSeries, STALE, version1, version2 } from './encoding.js';

const CASES = Number(process.env.TRACKING_CASES ?? 200);
const V1 = 'application/x-protobuf';
const V2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';
const VERSIONS = { '1.0': { type: V1, encode: version1 }, '2.0': { type: V2, encode: version2 } };

for (const [version, { type, encode }] of Object.entries(VERSIONS)) {
  describe(`POST /api/v1/write, version ${version}`, () => {
    let front: Front;
    before(async () => {
      front = await openFront();
    });
    after(() => front.close());

    function sendBytes(body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> {
      return front.fetch('/api/v1/write', {
        method: 'POST',
        body: compressSync(body),
        headers: { 'content-type': type, 'content-encoding': 'snappy', ...headers },
      });
    }

    function send(...series: SentSeries[]): Promise<Response> {
      return sendBytes(encode(series));
    }

    /** `namespace name{tags} milliseconds=value` of a namespace. */
    function storedIn(namespace: string): string[] {
      return front.points
        .filter(({ series }) => series.namespace === namespace)
        .map(
          ({ series: { name, tags }, time, value }) => `${name}${JSON.stringify(tags)} ${time / 1_000_000n}=${value}`,
        );
    }

    it('makes the job the namespace and labels tags', async () => {
      const labels = [
        ['__name__', 'up'],
        ['instance', 'a:9100'],
        ['job', 'node'],
        ['empty', ''],
      ] as const;
      const response = await send({
        labels,
        samples: [
          [1700000000000, 1],
          [1700000015000, 0],
        ],
      });
      expect(response.status).to.equal(204);
      expect(response.headers.get('x-prometheus-remote-write-samples-written')).to.equal('2');
      expect(storedIn('node')).to.deep.equal([
        'up{"instance":"a:9100"} 1700000000000=1',
        'up{"instance":"a:9100"} 1700000015000=0',
      ]);
    });

    it('puts series without a job under prometheus', async () => {
      await send({ labels: [['__name__', 'scrapes']], samples: [[1, -2.5]] });
      expect(storedIn('prometheus')).to.deep.equal(['scrapes{} 1=-2.5']);
    });

    it('counts what comes again, and out of order, once', async () => {
      const labels = [
        ['__name__', 'up'],
        ['job', 'again'],
      ] as const;
      await send({
        labels,
        samples: [
          [2000, 2],
          [1000, 1],
          [2000, 2],
        ],
      });
      await send({
        labels,
        samples: [
          [1000, 1],
          [3000, 3],
          [2000, 2],
        ],
      });
      expect(storedIn('again').sort()).to.deep.equal(['up{} 1000=1', 'up{} 2000=2', 'up{} 3000=3']);
    });

    it('leaves out markers that a series has ended, and counts infinite values and native histograms', async () => {
      const labels = [
        ['__name__', 'up'],
        ['job', 'odd'],
      ] as const;
      const response = await send({
        labels,
        samples: [
          [1000, STALE],
          [2000, NaN],
          [3000, Infinity],
          [4000, 4],
        ],
        histograms: 2,
      });
      expect(response.status).to.equal(204);
      expect(response.headers.get('x-prometheus-remote-write-samples-written')).to.equal('3');
      expect(response.headers.get('x-prometheus-remote-write-histograms-written')).to.equal('0');
      expect(response.headers.get('x-tracking-samples-dropped')).to.equal('3');
      expect(storedIn('odd')).to.deep.equal(['up{} 4000=4']);
    });

    it('stores the rest where samples lie at impossible times, and says so with the status that ends their being sent', async () => {
      const labels = [
        ['__name__', 'up'],
        ['job', 'late'],
      ] as const;
      const response = await send({
        labels,
        samples: [
          [1000, 1],
          [2 ** 52, 2],
        ],
      });
      expect(response.status).to.equal(400);
      expect(response.headers.get('content-type')).to.equal('text/plain; charset=utf-8');
      expect(response.headers.get('x-prometheus-remote-write-samples-written')).to.equal('1');
      expect(await response.text()).to.include('1 sample(s) lie at times that cannot be stored');
      expect(storedIn('late')).to.deep.equal(['up{} 1000=1']);
    });

    it('refuses more than 10,000 samples whole', async () => {
      const labels = [
        ['__name__', 'up'],
        ['job', 'many'],
      ] as const;
      const response = await send({ labels, samples: Array.from({ length: 10_001 }, (_, index) => [index, 1]) });
      expect(response.status).to.equal(413);
      expect(storedIn('many')).to.deep.equal([]);
    });

    it('refuses what is of the other version, for nothing of it could be read', async () => {
      const [other] = Object.values(VERSIONS).filter((one) => one.encode !== encode);
      const body = other?.encode([{ labels: [['__name__', 'up']], samples: [[1700000000000, 1]] }]);
      const response = await sendBytes(body ?? new Uint8Array());
      expect(response.status).to.equal(400);
      expect(await response.text()).to.match(/it is of version [12]\.0, and Content-Type /);
    });

    it('takes whatever labels there are, and keeps series apart', async () => {
      const label = fc.tuple(
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
        fc.string({ unit: 'grapheme', minLength: 1, maxLength: 150 }),
      );
      const labels = fc
        .uniqueArray(label, { selector: ([key]) => key, maxLength: 30 })
        .filter((all) => !all.some(([key]) => key === 'job' || key === '__name__'));
      let test = 0;
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(labels, { selector: (all) => JSON.stringify([...all].sort()), minLength: 1, maxLength: 5 }),
          async (all) => {
            const job = `test ${test++}`;
            const response = await send(
              ...all.map((own, index): SentSeries => ({
                labels: [['__name__', 'n'], ['job', job], ...own],
                samples: [[index, index]],
              })),
            );
            expect(response.status).to.equal(204);
            const stored = front.points.filter(({ series }) => series.namespace === job);
            expect(stored.map(({ value }) => value)).to.have.members(all.map((_, index) => index));
            expect(new Set(stored.map(({ series }) => series.key)).size).to.equal(all.length);
          },
        ),
        { numRuns: Math.ceil(CASES / 4) },
      );
    });
  });
}

describe('Remote write', () => {
  const text = fc.string({ unit: 'binary', maxLength: 12 });
  const label = fc.tuple(fc.oneof(fc.constantFrom('__name__', 'job', 'instance', 'name'), text), text);
  const sample = fc.tuple(
    fc.oneof({ weight: 8, arbitrary: fc.integer({ min: 0, max: 5000 }) }, fc.maxSafeInteger()),
    fc.oneof(fc.double(), fc.constant(STALE)),
  );
  const request = fc.array(
    fc.record({
      labels: fc.uniqueArray(label, { selector: ([key]) => key, maxLength: 6 }),
      samples: fc.array(sample, { maxLength: 4 }),
      histograms: fc.nat(2),
    }),
    { maxLength: 5 },
  );

  /** The answer to a request that is sent twice, and what is stored of it. */
  async function outcomeOf(
    all: readonly SentSeries[],
    { type, encode }: (typeof VERSIONS)[keyof typeof VERSIONS],
  ): Promise<unknown> {
    const front = await openFront();
    const answers: unknown[] = [];
    for (let time = 0; time < 2; time++) {
      const response = await front.fetch('/api/v1/write', {
        method: 'POST',
        body: compressSync(encode(all)),
        headers: { 'content-type': type, 'content-encoding': 'snappy' },
      });
      const counts = [...response.headers].filter(([name]) => /^x-(?:prometheus|tracking)-/.test(name));
      answers.push([response.status, await response.text(), counts]);
    }
    await front.close();
    const points = front.points.map(({ series, time, value }) => `${JSON.stringify(series.key)} ${time}=${value}`);
    return { answers, points: points.sort() };
  }

  it('stores the same of the same series in either version', async function () {
    this.timeout(30_000 + CASES * 1000);
    await fc.assert(
      fc.asyncProperty(request, async (all) => {
        expect(await outcomeOf(all, VERSIONS['2.0'])).to.deep.equal(await outcomeOf(all, VERSIONS['1.0']));
      }),
      { numRuns: Math.ceil(CASES / 4) },
    );
  });
});

describe('POST /api/v1/write', () => {
  let front: Front;
  before(async () => {
    front = await openFront();
  });
  after(() => front.close());

  async function statusOf(body: Uint8Array, headers: Record<string, string>): Promise<number> {
    const response = await front.fetch('/api/v1/write', {
      method: 'POST',
      body,
      headers: { 'content-type': V1, ...headers },
    });
    await response.text();
    return response.status;
  }

  it('takes texts of megabytes that thousands of labels are, and keeps series apart', async () => {
    const texts = [0, 1].map((more) => 'x'.repeat(2 ** 21 + more));
    const series = Array.from({ length: 2000 }, (_, index): SentSeries => {
      const text = texts[index % 2] ?? '';
      const labels = Array.from({ length: 30 }, (_, label) => [`l${label}`, text] as const);
      return { labels: [['__name__', `long${index}`], ...labels], samples: [[1, index]] };
    });
    const headers = { 'content-type': V2, 'content-encoding': 'gzip' };
    expect(await statusOf(gzipSync(version2(series)), headers)).to.equal(204);
    const stored = front.points.filter(({ series: { name } }) => name.startsWith('long'));
    expect(stored).to.have.length(2000);
    expect(new Set(stored.map(({ series: { tags } }) => tags.l1)).size).to.equal(2);
    expect(stored[0]?.series.tags.l1).to.match(/^x{111}~[0-9a-f]{16}$/);
  });

  it('refuses more than 400,000 labels in a table of texts', async () => {
    const labels = Array.from({ length: 900 }, (_, index) => [`l${index}`, 'v'] as const);
    const series = Array.from({ length: 445 }, (_, index): SentSeries => ({ labels, samples: [[index, 1]] }));
    const headers = { 'content-type': V2, 'content-encoding': 'gzip' };
    expect(await statusOf(gzipSync(version2(series)), headers)).to.equal(413);
    expect(await statusOf(gzipSync(version2(series.slice(1))), headers)).to.equal(204);
  });

  it('takes gzip, and no compression at all', async () => {
    const body = version1([{ labels: [['__name__', 'up']], samples: [[1, 1]] }]);
    expect(await statusOf(body, {})).to.equal(204);
    expect(await statusOf(gzipSync(body), { 'content-encoding': 'gzip' })).to.equal(204);
  });

  it('makes Prometheus try again where its application has its share, for it drops what is answered 429', async () => {
    const admission = new Admission(10_000);
    admission.enter(7000, 'all');
    const full = await openFront({ admission });
    const body = version1([{ labels: [['__name__', 'up']], samples: [[1, 1]] }]);
    const response = await full.fetch('/api/v1/write', { method: 'POST', body, headers: { 'content-type': V1 } });
    expect(response.status).to.equal(503);
    expect(response.headers.get('retry-after')).to.equal('1');
    expect(await response.text()).to.include('of this application');
    await full.close();
  });

  it('refuses other messages and compressions', async () => {
    const body = version1([]);
    expect(
      await statusOf(body, { 'content-type': 'application/x-protobuf;proto=io.prometheus.write.v3.Request' }),
    ).to.equal(415);
    expect(await statusOf(body, { 'content-type': 'application/json' })).to.equal(415);
    expect(await statusOf(body, { 'content-encoding': 'zstd' })).to.equal(415);
  });

  it('refuses blocks of Snappy that claim too much before they are inflated', async () => {
    const claims = (length: number): Buffer => {
      const bytes = [];
      for (let left = length; ; left = Math.floor(left / 128)) {
        bytes.push(left < 128 ? left : (left % 128) + 128);
        if (left < 128) break;
      }
      return Buffer.concat([Buffer.from(bytes), Buffer.alloc(500_000)]);
    };
    const headers = { 'content-encoding': 'snappy' };
    expect(await statusOf(claims(8 * 2 ** 20 + 1), headers)).to.equal(413);
    expect(await statusOf(claims(2 ** 32 - 1), headers)).to.equal(400);
    expect(await statusOf(compressSync(Buffer.alloc(9 * 2 ** 20)), headers)).to.equal(413);
    expect(await statusOf(Buffer.from([0x80]), headers)).to.equal(400);
    expect(await statusOf(Buffer.alloc(0), headers)).to.equal(400);
  });
});
