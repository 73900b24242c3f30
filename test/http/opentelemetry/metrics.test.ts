import { expect } from 'chai';
import { gzipSync } from 'node:zlib';
import type { Point } from '../../../lib/event.js';
import type { Attributes } from '../../../lib/http/opentelemetry/attributes.js';
import { Limits } from '../../../lib/http/opentelemetry/limits.js';
import { readProtobufMetrics } from '../../../lib/http/opentelemetry/protobuf.js';
import { RecentlyUsed } from '../../../lib/http/recently-used.js';
import { type Front, openFront } from '../front.js';
import type { TagChoice } from '../../../lib/http/opentelemetry/streams.js';
import { type Data, type ExportRequest, type MetricJson, type PointJson, toProtobuf } from './encoding.js';

const START = '1700000000000000000';
const RESOURCE = {
  attributes: [
    attribute('service.name', 'shop'),
    attribute('host.name', 'web-1'),
    attribute('service.instance.id', '7'),
  ],
};
/** What all of them have is not told each time. */
const COMMON = ['host.name', 'service.instance.id'];

function attribute(key: string, stringValue: string): { key: string; value: { stringValue: string } } {
  return { key, value: { stringValue } };
}

/** Nanoseconds so many seconds after the start. */
function at(seconds: number): string {
  return String(BigInt(START) + BigInt(seconds * 1e9));
}

function requestOf(...metrics: MetricJson[]): ExportRequest {
  return { resourceMetrics: [{ resource: RESOURCE, scopeMetrics: [{ scope: { name: 'test' }, metrics }] }] };
}

function sumOf(seconds: number, value: number, more: PointJson = {}): ExportRequest {
  const dataPoints = [{ startTimeUnixNano: START, timeUnixNano: at(seconds), asDouble: value, ...more }];
  return requestOf({ name: 'orders', sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } });
}

/** What is stored but for the state of streams: `name{tags} seconds=value`, in order. */
function storedExactly(front: Front): string[] {
  return front.points
    .filter(({ series }) => series.name !== 'otel.cumulative')
    .map(textOf)
    .sort();
}

/** Without where within its millisecond a stream's increases lie. */
function inMilliseconds(stored: readonly string[]): string[] {
  const shortened = (_: string, seconds: string): string => `} ${Number(seconds)}=`;
  return stored.map((text) => text.replace(/\} (\d+(?:\.\d{1,3})?)\d*=/, shortened)).sort();
}

function storedIn(front: Front): string[] {
  return inMilliseconds(storedExactly(front));
}

/** Values that JSON can have and Protocol Buffers cannot. */
const NO_DISTRIBUTIONS: readonly object[] = [
  { histogram: { count: '-1' } },
  { histogram: { count: 'NaN' } },
  { histogram: { bucketCounts: ['1', 'Infinity'], explicitBounds: [1] } },
  { histogram: { bucketCounts: [-1] } },
  { histogram: { count: '3', bucketCounts: ['1', '2'], explicitBounds: [1, 5] } },
  { histogram: { count: '3', bucketCounts: ['1', '2'] } },
  { exponentialHistogram: { zeroCount: 'Infinity' } },
  { exponentialHistogram: { scale: 'NaN', positive: { bucketCounts: ['1'] } } },
  { exponentialHistogram: { scale: 0.5, positive: { bucketCounts: ['1'] } } },
  { exponentialHistogram: { negative: { offset: 'Infinity', bucketCounts: ['1'] } } },
  { exponentialHistogram: { positive: { bucketCounts: [1e300] } } },
];

function textOf({ series: { name, tags }, time, value }: Point): string {
  const own = Object.entries(tags).filter(([key]) => !COMMON.includes(key));
  return `${name}{${own.map(([key, text]) => `${key}=${text}`).join()}} ${Number(time - BigInt(START)) / 1e9}=${value}`;
}

const ENCODINGS = {
  protobuf: { type: 'application/x-protobuf', encode: toProtobuf },
  JSON: { type: 'application/json', encode: (request: ExportRequest) => Buffer.from(JSON.stringify(request)) },
};

for (const [name, { type, encode }] of Object.entries(ENCODINGS)) {
  describe(`POST /v1/metrics in ${name}`, () => {
    let front: Front;
    beforeEach(async () => {
      front = await openFront();
    });
    afterEach(() => front.close());

    function send(request: ExportRequest, headers: Record<string, string> = {}): Promise<Response> {
      return front.fetch('/v1/metrics', {
        method: 'POST',
        body: encode(request),
        headers: { 'content-type': type, ...headers },
      });
    }

    async function sendAll(...requests: ExportRequest[]): Promise<void> {
      for (const request of requests) {
        const response = await send(request);
        if (response.status !== 200) throw new Error(await response.text());
      }
    }

    it('takes gauges as they are, under the service and with the tags of host and data point', async () => {
      const attributes = [attribute('room', 'a'), { key: 'floor', value: { intValue: '2' } }];
      const dataPoints = [{ attributes, timeUnixNano: '1700000001000000001', asInt: '21' }];
      const response = await send(requestOf({ name: 'temperature', gauge: { dataPoints } }));
      expect(response.status).to.equal(200);
      expect(response.headers.get('content-type')).to.equal(type);
      expect(await response.text()).to.equal(name === 'JSON' ? '{}' : '');
      expect(front.points.map(({ series, time, value }) => ({ ...series, time, value }))).to.deep.equal([
        {
          namespace: 'shop',
          name: 'temperature',
          tags: { floor: '2', 'host.name': 'web-1', room: 'a', 'service.instance.id': '7' },
          key: 'shop\0temperature\0floor\x002\0host.name\0web-1\0room\0a\0service.instance.id\x007',
          time: 1700000001000000001n,
          value: 21,
        },
      ]);
    });

    it('calls the namespace after the host where there is no service, and otel where there is neither', async () => {
      const gauge = { name: 'g', gauge: { dataPoints: [{ timeUnixNano: at(1), asDouble: 1 }] } };
      for (const attributes of [[attribute('host.name', 'web-1')], []]) {
        await sendAll({ resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ metrics: [gauge] }] }] });
      }
      await sendAll({ resourceMetrics: [{ scopeMetrics: [{ metrics: [gauge] }] }] });
      expect(front.points.map(({ series }) => series.namespace)).to.deep.equal(['web-1', 'otel']);
    });

    it('makes lists and maps in attributes JSON', async () => {
      const values = [{ stringValue: 'a' }, { boolValue: true }, { kvlistValue: { values: [attribute('k', 'v')] } }];
      const attributes = [
        { key: 'list', value: { arrayValue: { values } } },
        { key: 'd', value: { doubleValue: 0.5 } },
      ];
      await sendAll(
        requestOf({ name: 'g', gauge: { dataPoints: [{ attributes, timeUnixNano: at(1), asDouble: 1 }] } }),
      );
      expect(storedIn(front)).to.deep.equal(['g{d=0.5,list=["a",true,{"k":"v"}]} 1=1']);
    });

    it('takes deltas as they are, and sums that may fall like gauges', async () => {
      const dataPoints = [{ startTimeUnixNano: START, timeUnixNano: at(1), asInt: '5' }];
      await sendAll(
        requestOf({ name: 'delta', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints } }),
        requestOf({ name: 'level', sum: { aggregationTemporality: 2, isMonotonic: false, dataPoints } }),
      );
      expect(storedIn(front)).to.deep.equal(['delta{} 1=5', 'level{} 1=5']);
    });

    it('makes increases of what counts on and on', async () => {
      await sendAll(sumOf(1, 5), sumOf(2, 5), sumOf(3, 12));
      expect(storedIn(front)).to.deep.equal(['orders{} 1=5', 'orders{} 2=0', 'orders{} 3=7']);
    });

    it('sees that a count began anew by its start, and by a value that fell', async () => {
      await sendAll(sumOf(1, 5), sumOf(4, 6, { startTimeUnixNano: at(3) }), sumOf(5, 2, { startTimeUnixNano: at(3) }));
      expect(storedIn(front)).to.deep.equal(['orders{} 1=5', 'orders{} 4=6', 'orders{} 5=2']);
    });

    it('lets a first value without a start, or as old as its start, be what others start from', async () => {
      await sendAll(sumOf(1, 5, { startTimeUnixNano: '0' }), sumOf(2, 7, { startTimeUnixNano: '0' }));
      expect(storedIn(front)).to.deep.equal(['orders{} 2=2']);
      const attributes = [attribute('other', 'stream')];
      await sendAll(sumOf(0, 5, { attributes }), sumOf(2, 7, { attributes }));
      expect(storedIn(front)).to.deep.equal(['orders{other=stream} 2=2', 'orders{} 2=2']);
    });

    it('counts from a start that lies behind within the millisecond, and waits for one that lies further behind', async () => {
      const near = { startTimeUnixNano: String(BigInt(START) + 500_000n) };
      await sendAll(sumOf(0, 5, near), sumOf(2, 7, near));
      expect(storedIn(front)).to.deep.equal(['orders{} 0=5', 'orders{} 2=2']);
      const attributes = [attribute('other', 'stream')];
      const far = { attributes, startTimeUnixNano: at(1) };
      await sendAll(sumOf(0, 5, far), sumOf(2, 7, far));
      expect(storedIn(front)).to.include('orders{other=stream} 2=7').and.not.include('orders{other=stream} 0=5');
    });

    it('counts what is sent again once, at any time', async () => {
      await sendAll(sumOf(1, 5), sumOf(1, 5), sumOf(2, 7), sumOf(3, 9), sumOf(2, 7), sumOf(1, 5), sumOf(3, 9));
      expect(storedIn(front)).to.deep.equal(['orders{} 1=5', 'orders{} 2=2', 'orders{} 3=2']);
    });

    it('counts what comes too late as part of what came before it', async () => {
      await sendAll(sumOf(1, 5), sumOf(3, 9), sumOf(2, 7), sumOf(4, 10));
      expect(storedIn(front)).to.deep.equal(['orders{} 1=5', 'orders{} 3=4', 'orders{} 4=1']);
    });

    it('takes several requests of one stream at once', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, (_, index) => send(sumOf(index + 1, (index + 1) * 3))));
      expect(all.map(({ status }) => status)).to.deep.equal(all.map(() => 200));
      const sum = front.points
        .filter(({ series }) => series.name === 'orders')
        .reduce((total, { value }) => total + value, 0);
      expect(sum).to.equal(60);
    });

    it('makes count, sum, least, greatest and buckets of histograms', async () => {
      const dataPoints = [1, 2].map((nth) => ({
        startTimeUnixNano: START,
        timeUnixNano: at(nth),
        count: String(3 * nth),
        sum: 6.5 * nth,
        min: 0.5,
        max: 5,
        explicitBounds: [1, 2],
        bucketCounts: [String(nth), '0', String(2 * nth)],
      }));
      await sendAll(requestOf({ name: 'd', histogram: { aggregationTemporality: 2, dataPoints } }));
      expect(storedIn(front)).to.deep.equal(
        [1, 2]
          .flatMap((nth) => [
            `d.bucket{le=+Inf} ${nth}=2`,
            `d.bucket{le=1} ${nth}=1`,
            `d.count{} ${nth}=3`,
            `d.max{} ${nth}=5`,
            `d.min{} ${nth}=0.5`,
            `d.sum{} ${nth}=6.5`,
          ])
          .sort(),
      );
    });

    it('makes buckets that end at powers of two of exponential histograms, whatever their scale', async () => {
      const point = { startTimeUnixNano: START, count: '10', sum: 1, zeroCount: '1' };
      const dataPoints = [
        {
          ...point,
          timeUnixNano: at(1),
          scale: 1,
          positive: { offset: 1, bucketCounts: ['1', '2', '4'] },
          negative: { offset: -1, bucketCounts: ['2'] },
        },
        { ...point, timeUnixNano: at(2), scale: -1, positive: { offset: 1, bucketCounts: ['9'] } },
      ];
      await sendAll(requestOf({ name: 'e', exponentialHistogram: { aggregationTemporality: 1, dataPoints } }));
      expect(storedIn(front).filter((text) => text.startsWith('e.bucket'))).to.deep.equal([
        'e.bucket{le=-0.5} 1=2',
        'e.bucket{le=0} 1=1',
        'e.bucket{le=0} 2=1',
        'e.bucket{le=16} 2=9',
        'e.bucket{le=2} 1=1',
        'e.bucket{le=4} 1=6',
      ]);
    });

    it('makes count, sum and quantiles of summaries', async () => {
      const quantileValues = [
        { quantile: 0.5, value: 2 },
        { quantile: 0.99, value: 9 },
      ];
      const dataPoints = [{ startTimeUnixNano: START, timeUnixNano: at(1), count: '4', sum: 11, quantileValues }];
      await sendAll(requestOf({ name: 's', summary: { dataPoints } }));
      expect(storedIn(front)).to.deep.equal([
        's.count{} 1=4',
        's.sum{} 1=11',
        's{quantile=0.5} 1=2',
        's{quantile=0.99} 1=9',
      ]);
    });

    it('leaves out what is no number and says so, and what says that there is none without a word', async () => {
      const dataPoints = [
        { timeUnixNano: at(1), asDouble: 'NaN' },
        { timeUnixNano: at(1), asDouble: '-Infinity' },
        { asDouble: 1 },
        { timeUnixNano: at(1), flags: 1 },
        { timeUnixNano: at(1), asDouble: 4 },
      ];
      const response = await send(requestOf({ name: 'g', gauge: { dataPoints } }));
      expect(response.status).to.equal(200);
      const text = await response.text();
      expect(text).to.include('3 data point(s) are not stored');
      if (name === 'JSON') expect(JSON.parse(text)).to.have.nested.property('partialSuccess.rejectedDataPoints', '3');
      expect(storedIn(front)).to.deep.equal(['g{} 1=4']);
    });

    it('stores no number that is none, also where it comes out of adding and subtracting', async () => {
      const sums = (seconds: number, sum: number): PointJson[] =>
        ['a', 'b'].map((way) => {
          const attributes = [attribute('way', way)];
          return { attributes, startTimeUnixNano: START, timeUnixNano: at(seconds), count: '1', sum };
        });
      const histogram = (temporality: number, dataPoints: PointJson[]): ExportRequest =>
        requestOf({ name: 'h', histogram: { aggregationTemporality: temporality, dataPoints } });
      await sendAll(histogram(1, sums(1, 1.7e308)), histogram(2, sums(2, -1.7e308)), histogram(2, sums(3, 1.7e308)));
      expect(front.points.map(({ value }) => value).filter((value) => !Number.isFinite(value))).to.deep.equal([]);
      expect(storedIn(front)).to.include('h.count{way=b} 3=0').and.not.include('h.sum{way=b} 3=Infinity');
    });

    it('takes gzip', async () => {
      const body = gzipSync(encode(sumOf(1, 5)));
      const headers = { 'content-type': type, 'content-encoding': 'gzip' };
      expect((await front.fetch('/v1/metrics', { method: 'POST', body, headers })).status).to.equal(200);
      expect(storedIn(front)).to.deep.equal(['orders{} 1=5']);
    });

    it('takes names and attributes of megabytes that thousands of data points have, and keeps them apart', async () => {
      const long = 'x'.repeat(2 ** 20);
      const metricsOf = (end: string): MetricJson[] => {
        const point = (index: number): PointJson => ({
          attributes: [attribute('index', String(index))],
          ...{ startTimeUnixNano: START, timeUnixNano: at(1), asDouble: 1 },
        });
        const dataPoints = Array.from({ length: 1500 }, (_, index) => point(index));
        return [{ name: long + end, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }];
      };
      const request = (end: string): ExportRequest => ({
        resourceMetrics: [
          {
            resource: { attributes: [attribute('service.name', 'shop'), attribute('host.name', long + end)] },
            scopeMetrics: [{ scope: { name: long + end }, metrics: metricsOf('') }, { metrics: metricsOf('b') }],
          },
        ],
      });
      await sendAll(request('1'), request('2'), request('1'));
      const stored = front.points.filter(({ series }) => series.name !== 'otel.cumulative');
      expect(stored).to.have.length(6000);
      expect(new Set(stored.map(({ series }) => series.name)).size).to.equal(2);
      expect(new Set(stored.map(({ series }) => series.tags['host.name'])).size).to.equal(2);
      expect(stored.every(({ value, series }) => value === 1 && /^x{111}~[0-9a-f]{16}$/.test(series.name))).to.equal(
        true,
      );
    });

    it('takes a thousand attributes of data points with thousands of buckets, and keeps those apart', async () => {
      const attributes = Array.from({ length: 1000 }, (_, index) => attribute(`k${index}`, 'x'.repeat(200)));
      const explicitBounds = Array.from({ length: 4999 }, (_, index) => index);
      const counted = { startTimeUnixNano: START, timeUnixNano: at(1), count: '5000', explicitBounds };
      const bucketCounts = Array.from({ length: 5000 }, () => '1');
      const dataPoints = ['a', 'b'].map((way) => ({
        attributes: [...attributes.slice(1), attribute('way', way)],
        ...counted,
        bucketCounts,
      }));
      const request = requestOf({ name: 'h', histogram: { aggregationTemporality: 2, dataPoints } });
      await sendAll(request, request);
      const buckets = front.points.filter(({ series }) => series.name === 'h.bucket');
      expect(buckets).to.have.length(10_000);
      expect(new Set(buckets.map(({ series }) => series.key)).size).to.equal(10_000);
      expect(buckets.every(({ value }) => value === 1)).to.equal(true);
    });

    it('refuses more than 10,000 data points whole', async () => {
      const dataPoints = Array.from({ length: 10_001 }, (_, index) => ({ timeUnixNano: at(index), asDouble: 1 }));
      const response = await send(requestOf({ name: 'g', gauge: { dataPoints } }));
      expect(response.status).to.equal(413);
      expect(await response.text()).to.include('at most 10000 data points');
      expect(front.points).to.deep.equal([]);
    });

    it('refuses more than 500,000 attributes whole, those within others among them', async () => {
      const value = {
        kvlistValue: { values: [attribute('a', ''), { key: 'b', value: { arrayValue: { values: [{}] } } }] },
      };
      const attributes = Array.from({ length: 170 }, (_, index) => ({ key: `k${index}`, value }));
      const dataPoints = Array.from({ length: 800 }, () => ({ attributes, timeUnixNano: at(1), asDouble: 1 }));
      const response = await send(requestOf({ name: 'g', gauge: { dataPoints } }));
      expect(response.status).to.equal(413);
      expect(front.points).to.deep.equal([]);
    });

    it('says why it refuses in the encoding of the request', async () => {
      for (const [authorization, status] of [
        ['Bearer forged', 401],
        ['Bearer reader', 403],
        ['Bearer limited', 403],
      ] as const) {
        const response = await send(sumOf(1, 5), { authorization });
        expect(response.status).to.equal(status);
        expect(response.headers.get('content-type')).to.equal(type);
        if (name === 'JSON') expect(await response.json()).to.have.keys('code', 'message');
      }
      expect(front.points).to.deep.equal([]);
      await sendAll(sumOf(1, 5));
      expect(storedIn(front)).to.deep.equal(['orders{} 1=5']);
    });
  });
}

describe('POST /v1/metrics', () => {
  it('asks the store nothing, and forgets nothing, for who may not write to the namespace', async () => {
    let asked = 0;
    const choice = { resourceTags: [], tags: null };
    const horizon = (): Promise<() => Promise<void>> => {
      asked++;
      return Promise.resolve(() => Promise.resolve());
    };
    const front = await openFront({ opentelemetry: { choice, horizon } });
    const send = async (seconds: number, token: string): Promise<number> => {
      const headers = { 'content-type': 'application/x-protobuf', authorization: `Bearer ${token}` };
      const body = toProtobuf(sumOf(seconds, seconds));
      return (await front.fetch('/v1/metrics', { method: 'POST', body, headers })).status;
    };
    expect([await send(1, 'limited'), asked]).to.deep.equal([403, 0]);
    expect([await send(1, 'all'), asked]).to.deep.equal([200, 1]);
    expect([await send(2, 'limited'), await send(2, 'all'), asked]).to.deep.equal([403, 200, 1]);
    await front.close();
  });
});

describe('POST /v1/metrics in JSON alone', () => {
  it('leaves out distributions with counts, scales and offsets that cannot be', async () => {
    const front = await openFront();
    const metrics = NO_DISTRIBUTIONS.flatMap((metric, index) =>
      Object.entries(metric).map(([kind, point]) => ({
        name: `n${index}`,
        [kind]: { aggregationTemporality: 1, dataPoints: [{ timeUnixNano: at(1), ...(point as object) }] },
      })),
    );
    const body = JSON.stringify(requestOf(...metrics));
    const headers = { 'content-type': 'application/json' };
    const response = await front.fetch('/v1/metrics', { method: 'POST', body, headers });
    const { partialSuccess } = (await response.json()) as { partialSuccess?: { rejectedDataPoints: string } };
    expect(partialSuccess?.rejectedDataPoints).to.equal(String(NO_DISTRIBUTIONS.length));
    expect(front.points).to.deep.equal([]);
    await front.close();
  });
});

describe('Metrics in Protocol Buffers', () => {
  it('keep nothing of resources and metrics without data points, however many', () => {
    const metric = { name: 'g', gauge: { dataPoints: [] } };
    const empty = Buffer.from(toProtobuf({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric, metric] }] }] }));
    const right = toProtobuf(sumOf(1, 5));
    const body = Buffer.concat([...Array.from({ length: 1000 }, () => empty), Buffer.alloc(2000, '\x0a\0'), right]);
    const attributes = new RecentlyUsed<Attributes>(({ bytes }) => bytes);
    const read = readProtobufMetrics(body, { limits: new Limits(), attributes });
    expect(read.map(({ metrics }) => metrics.length)).to.deep.equal([1]);
  });
});

describe('Chosen attributes of OpenTelemetry', () => {
  const RESOURCE_ATTRIBUTES = [...RESOURCE.attributes, attribute('k8s.pod.name', 'pod-1'), attribute('os', 'linux')];

  /** What is stored of requests where only these attributes become tags. */
  async function storedWith(choice: TagChoice, ...requests: ExportRequest[]): Promise<string[]> {
    const front = await openFront({
      opentelemetry: { choice, horizon: () => Promise.resolve(() => Promise.resolve()) },
    });
    try {
      for (const request of requests) {
        const response = await front.fetch('/v1/metrics', {
          method: 'POST',
          body: toProtobuf(request),
          headers: { 'content-type': 'application/x-protobuf' },
        });
        if (response.status !== 200) throw new Error(await response.text());
      }
      return storedExactly(front);
    } finally {
      await front.close();
    }
  }

  function states(kind: Partial<Data>, seconds: number, values: Readonly<Record<string, number>>): ExportRequest {
    const dataPoints = Object.entries(values).map(([key, asDouble]) => {
      const [state = '', cpu = ''] = key.split(' ');
      const attributes = [attribute('state', state), attribute('cpu', cpu)];
      return { startTimeUnixNano: START, timeUnixNano: at(seconds), attributes, asDouble };
    });
    const metric = { name: 'time', sum: { ...kind, isMonotonic: true, dataPoints } };
    const resource = { attributes: RESOURCE_ATTRIBUTES };
    return { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: 'test' }, metrics: [metric] }] }] };
  }

  it('are those of the resource that are named, and all of the data point', async () => {
    const stored = await storedWith(
      { resourceTags: ['k8s.pod.name', 'absent'], tags: null },
      states({ aggregationTemporality: 1 }, 1, { 'idle 0': 1 }),
    );
    expect(inMilliseconds(stored)).to.deep.equal(['time{cpu=0,k8s.pod.name=pod-1,state=idle} 1=1']);
  });

  it('keep apart what differs in others alone, each count by itself, in one request or several', async () => {
    const choice = { resourceTags: [], tags: ['state', 'absent'] };
    const cumulative = { aggregationTemporality: 2 };
    const first = states(cumulative, 1, { 'idle 0': 10, 'idle 1': 20, 'user 0': 1 });
    // The second processor began anew, and the first went on.
    const second = [states(cumulative, 2, { 'idle 0': 15 }), states(cumulative, 2, { 'idle 1': 4, 'user 0': 3 })];
    const expected = ['idle} 1=10', 'idle} 1=20', 'idle} 2=4', 'idle} 2=5', 'user} 1=1', 'user} 2=2'];
    const stored = await storedWith(choice, first, ...second, first, ...second);
    expect(inMilliseconds(stored)).to.deep.equal(expected.map((text) => `time{state=${text}`));
    const deltas = states({ aggregationTemporality: 1 }, 1, { 'idle 0': 10, 'idle 1': 20, 'user 0': 1 });
    expect(await storedWith(choice, deltas, deltas)).to.deep.equal(stored.filter((text) => text.includes(' 1.')));
  });

  it('keep apart what differs in no tag, whatever the resource tells', async () => {
    const from = (team: string, scope: string): ExportRequest => {
      const resource = { attributes: [...RESOURCE.attributes, attribute('service.namespace', team)] };
      const dataPoints = [{ timeUnixNano: at(1), asDouble: 1 }];
      const metrics = [{ name: 'calls', sum: { aggregationTemporality: 1, isMonotonic: true, dataPoints } }];
      return { resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: scope }, metrics }] }] };
    };
    const requests = [from('red', 'http'), from('red', 'grpc'), from('blue', 'http'), from('red', 'http')];
    const stored = await storedWith({ resourceTags: COMMON, tags: null }, ...requests);
    expect(inMilliseconds(stored)).to.deep.equal(Array(3).fill('calls{} 1=1'));
  });

  it('leave all parts of a histogram at one time', async () => {
    const dataPoints = [{ timeUnixNano: at(1), count: '3', sum: 5, bucketCounts: ['2', '1'], explicitBounds: [1] }];
    const request = requestOf({ name: 'd', histogram: { aggregationTemporality: 1, dataPoints } });
    const stored = await storedWith({ resourceTags: [], tags: null }, request);
    expect(stored).to.have.length(4);
    expect(new Set(stored.map((text) => /\} ([\d.]+)=/.exec(text)?.[1])).size).to.equal(1);
  });

  it('may be none', async () => {
    const request = states({ aggregationTemporality: 2 }, 1, { 'idle 0': 10, 'user 0': 1 });
    const stored = await storedWith({ resourceTags: [], tags: [] }, request);
    expect(inMilliseconds(stored)).to.deep.equal(['time{} 1=1', 'time{} 1=10']);
  });
});
