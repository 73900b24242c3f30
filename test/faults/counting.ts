import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { type Stored, storedIn } from '../clients/stored.js';
import { type ExportRequest, type MetricJson, type PointJson, toProtobuf } from '../http/opentelemetry/encoding.js';
import { APPLICATION, type ServiceProcess } from '../servers/service.js';
import { between, oneOf } from './random.js';

const AUTHORIZATION = `Basic ${Buffer.from(`${APPLICATION.id}:${APPLICATION.secret}`).toString('base64')}`;
const COUNTERS = 5;
const BOUNDS = [1, 10];
/** Requests that are kept to be sent once more. */
const KEPT = 20;

/**
 * A program that counts things, begins anew now and then, and exports its counts as OpenTelemetry's SDKs do: each
 * request again and again until it is answered, and then the next; and some old ones once more.
 */
export class CountingClient {
  private readonly counters = Array.from(
    { length: COUNTERS },
    (_, index) => new Counter(`counter-${index}`, index % 2),
  );
  private readonly histogram = new Histogram();
  private readonly kept: ExportRequest[] = [];
  private readonly stopping = new AbortController();
  private time = 0;

  constructor(
    private readonly service: ServiceProcess,
    readonly namespace: string,
  ) {}

  /** How many data points were acknowledged. */
  acknowledged = 0;

  async run(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      const request = this.nextRequest();
      await this.sendUntilAnswered(request);
      this.acknowledged += COUNTERS + 1;
      this.kept.push(request);
      if (this.kept.length > KEPT) this.kept.shift();
      if (Math.random() < 0.2) await this.sendUntilAnswered(oneOf(this.kept));
      await setTimeout(between(0, 20));
    }
  }

  stop(): void {
    this.stopping.abort();
  }

  /** What the store has that was not counted, and what was counted and it does not have. */
  async findMistakes(): Promise<string[]> {
    const stored = await storedIn(this.service, this.namespace);
    return [...this.counters, this.histogram].flatMap((one) => one.mistakesIn(stored)).slice(0, 20);
  }

  private nextRequest(): ExportRequest {
    this.time = Math.max(Date.now(), this.time + 1);
    const metrics = [...this.counters, this.histogram].map((one) => one.next(this.time));
    const attributes = [{ key: 'service.name', value: { stringValue: this.namespace } }];
    return { resourceMetrics: [{ resource: { attributes }, scopeMetrics: [{ scope: { name: 'test' }, metrics }] }] };
  }

  private async sendUntilAnswered(request: ExportRequest): Promise<void> {
    for (;;) {
      const status = await this.send(request).catch(() => 0);
      if (status === 200) return;
      if (status >= 400 && status < 500 && status !== 429) throw new Error(`Refused with ${status}.`);
      await setTimeout(between(10, 100));
    }
  }

  private async send(request: ExportRequest): Promise<number> {
    const [type, body] = oneOf([
      ['application/json', Buffer.from(JSON.stringify(request))] as const,
      ['application/x-protobuf', Buffer.from(toProtobuf(request))] as const,
    ]);
    const response = await fetch(`${this.service.url}/v1/metrics`, {
      method: 'POST',
      headers: { authorization: AUTHORIZATION, 'content-type': type, 'content-encoding': 'gzip' },
      body: gzipSync(body),
    });
    await response.arrayBuffer();
    return response.status;
  }
}

/** One that only rises. Without a start, as some programs have it, it begins anew where its value falls. */
class Counter {
  private readonly expected = new Map<number, number>();
  private value = 0;
  private start = 0;

  constructor(
    private readonly name: string,
    private readonly kind: number,
  ) {}

  next(time: number): MetricJson {
    const isFirst = this.start === 0;
    const rise = Math.floor(between(0, 10));
    const hasStart = this.kind === 0;
    if (isFirst || (Math.random() < 0.05 && (hasStart || this.value > rise))) {
      this.start = time - 1;
      this.value = 0;
    }
    this.value += rise;
    if (hasStart || !isFirst) this.expected.set(time, rise);
    const point: PointJson = {
      ...(hasStart && { startTimeUnixNano: nanoseconds(this.start) }),
      timeUnixNano: nanoseconds(time),
      asInt: String(this.value),
    };
    return { name: this.name, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [point] } };
  }

  mistakesIn(stored: readonly Stored[]): string[] {
    return differences(this.name, this.expected, eventsOf(stored, this.name));
  }
}

/** Its parts are streams of their own, of which the buckets are stored only where they rise. */
class Histogram {
  private readonly sums = new Map<number, number>();
  private readonly totals = [0, 0, 0];
  private counts = [0, 0, 0];
  private sum = 0;
  private start = 0;

  next(time: number): MetricJson {
    if (this.start === 0 || Math.random() < 0.05) {
      this.start = time - 1;
      [this.counts, this.sum] = [[0, 0, 0], 0];
    }
    const value = Math.floor(between(0, 20));
    const bucket = BOUNDS.filter((bound) => value > bound).length;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.totals[bucket] = (this.totals[bucket] ?? 0) + 1;
    this.sum += value;
    this.sums.set(time, value);
    const point: PointJson = {
      startTimeUnixNano: nanoseconds(this.start),
      timeUnixNano: nanoseconds(time),
      count: String(this.counts.reduce((total, count) => total + count)),
      sum: this.sum,
      explicitBounds: BOUNDS,
      bucketCounts: this.counts.map(String),
    };
    return { name: 'durations', histogram: { aggregationTemporality: 2, dataPoints: [point] } };
  }

  mistakesIn(stored: readonly Stored[]): string[] {
    const ones = new Map([...this.sums.keys()].map((time) => [time, 1]));
    const totals = [...BOUNDS.map(String), '+Inf'].map((le) =>
      stored
        .filter(({ name, tags }) => name === 'durations.bucket' && tags.le === le)
        .reduce((total, { value }) => total + value, 0),
    );
    return [
      ...differences('durations.count', ones, eventsOf(stored, 'durations.count')),
      ...differences('durations.sum', this.sums, eventsOf(stored, 'durations.sum')),
      ...(String(totals) === String(this.totals) ? [] : [`buckets hold ${String(totals)}, not ${String(this.totals)}`]),
    ];
  }
}

function nanoseconds(milliseconds: number): string {
  return `${milliseconds}000000`;
}

function eventsOf(stored: readonly Stored[], name: string): Map<number, number> {
  const own = stored.filter((one) => one.name === name);
  const events = new Map(own.map(({ time, value }) => [time, value]));
  if (events.size < own.length) throw new Error(`${name} has several events of one time.`);
  return events;
}

function differences(
  name: string,
  expected: ReadonlyMap<number, number>,
  stored: ReadonlyMap<number, number>,
): string[] {
  return [...new Set([...expected.keys(), ...stored.keys()])]
    .filter((time) => expected.get(time) !== stored.get(time))
    .map((time) => `${name} at ${time}: ${String(stored.get(time))}, not ${String(expected.get(time))}`);
}
