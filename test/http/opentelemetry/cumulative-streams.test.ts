import { expect } from 'chai';
import fc from 'fast-check';
import type { Point } from '../../../lib/event.js';
import { addUp } from '../../../lib/http/opentelemetry/adding-up.js';
import { Attributes, NO_ATTRIBUTES } from '../../../lib/http/opentelemetry/attributes.js';
import { CumulativeStreams } from '../../../lib/http/opentelemetry/cumulative-streams.js';
import type { CumulativeReading } from '../../../lib/http/opentelemetry/readings.js';
import { STATE_NAME, Streams } from '../../../lib/http/opentelemetry/streams.js';
import { MILLISECOND } from '../../../lib/time.js';
import { type Disk, ReferenceStore } from '../../reference.js';

const CASES = Number(process.env.TRACKING_CASES ?? 200);
const STREAMS = 4;
/** How many streams are kept in memory. */
const CAPACITIES = [2, 100];
const NOW = 1_700_000_000_000;

/** What becomes of a request: whether it is stored, and whether the service learns that, or is killed. */
type Fate = 'acknowledged' | 'stored, unanswered' | 'lost' | 'killed' | 'stored, killed';

interface Step {
  /** By how much each stream has risen; null: it began anew, and has come to 3. */
  readonly rises: readonly (number | null)[];
  /** What becomes of it each time that it is sent, before it is acknowledged. */
  readonly fates: readonly Fate[];
  /** Whether its client gives up then. */
  readonly givenUp: boolean;
  /** Of the steps so far that are stored, which are sent once more behind this one. */
  readonly again: readonly number[];
  /** How many writes the queue hands over before it. */
  readonly handedOver: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  rises: fc.array(
    fc.option(
      fc.integer({ min: 0, max: 5 }).map((rise) => rise * 10),
      { nil: null, freq: 6 },
    ),
    { minLength: STREAMS, maxLength: STREAMS },
  ),
  fates: fc.array(fc.constantFrom<Fate>('stored, unanswered', 'lost', 'killed', 'stored, killed'), { maxLength: 3 }),
  givenUp: fc.boolean(),
  again: fc.array(fc.nat(), { maxLength: 2 }),
  handedOver: fc.nat(2),
});

describe('Counts that go on and on', () => {
  for (const queued of [false, true]) {
    for (const capacity of CAPACITIES) {
      for (const hasStart of [true, false]) {
        const words = `${hasStart ? 'with' : 'without'} a start, ${capacity} streams in memory${queued ? ', behind a queue' : ''}`;
        it(`come to exactly what they rose by, ${words}`, async () => {
          await fc.assert(
            fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
              const service = new Service(capacity, queued);
              const counts = Array.from({ length: STREAMS }, (_, stream) => new Count(stream, hasStart));
              await sendAll(steps, counts, service);
              expect(await service.events()).to.deep.equal(counts.flatMap(({ expected }) => expected).sort());
            }),
            { numRuns: CASES },
          );
        });
      }
    }
  }
});

async function sendAll(steps: readonly Step[], counts: readonly Count[], service: Service): Promise<void> {
  const stored: (readonly CumulativeReading[])[] = [];
  for (const [index, { rises, fates, givenUp, again, handedOver }] of steps.entries()) {
    await service.handOver(handedOver);
    const time = NOW + (index + 1) * 1000;
    const readings = counts.map((count, stream) => count.rise(time, rises[stream] ?? null));
    const all = givenUp ? fates : [...fates, 'acknowledged' as const];
    for (const fate of all) await service.send(readings, fate);
    if (all.some(isStored)) {
      stored.push(readings);
      for (const [stream, reading] of readings.entries()) counts[stream]?.expect(reading);
    }
    for (const earlier of again) await service.send(stored[earlier % stored.length] ?? [], 'acknowledged');
  }
}

function isStored(fate: Fate): boolean {
  return fate === 'acknowledged' || fate.startsWith('stored');
}

/** A count of a client, and what is expected of it. */
class Count {
  readonly expected: string[] = [];
  private value = 0;
  private start = NOW;
  private stored: CumulativeReading | undefined;

  constructor(
    private readonly stream: number,
    private readonly hasStart: boolean,
  ) {}

  /** @param rise - null: it begins anew */
  rise(time: number, rise: number | null): CumulativeReading {
    if (rise === null) this.start = time - 1;
    this.value = rise === null ? 3 : this.value + rise;
    return {
      stream: part.streamOf(new Attributes([['stream', String(this.stream)]])),
      time: BigInt(time) * MILLISECOND,
      value: this.value,
      start: this.hasStart ? BigInt(this.start) * MILLISECOND : 0n,
      countsFromStart: this.hasStart,
      monotonic: true,
      sparse: false,
    };
  }

  /** A reading that is stored comes to what it has risen by since the one before it that is. */
  expect(reading: CumulativeReading): void {
    const { time, value, start } = reading;
    const before = this.stored !== undefined && this.stored.time >= start ? this.stored.value : undefined;
    const began = before === undefined || value < before;
    if (this.hasStart || this.stored !== undefined) {
      this.expected.push(`${this.stream} ${time / MILLISECOND}=${began ? value : value - before}`);
    }
    this.stored = reading;
  }
}

/** What takes the readings, as the route does. */
class Service {
  private readonly disk: Disk = new Map();
  private readonly store = new ReferenceStore(this.disk);
  private readonly queue: (readonly Point[])[] = [];
  private handed = 0;
  private cumulative: CumulativeStreams;

  constructor(
    private readonly capacity: number,
    private readonly queued: boolean,
  ) {
    this.cumulative = this.start();
  }

  async send(readings: readonly CumulativeReading[], fate: Fate): Promise<void> {
    const { increases, states, conclude } = await this.cumulative.increasesOf(readings);
    if (isStored(fate)) this.queue.push([...states, ...addUp(increases)]);
    if (!this.queued) await this.handOver();
    if (fate.endsWith('killed')) this.cumulative = this.start();
    else conclude(fate === 'acknowledged');
  }

  /** Brings to the store what waits, or so many writes of it. */
  async handOver(writes = Infinity): Promise<void> {
    for (const points of this.queue.slice(this.handed, this.handed + writes)) {
      await this.store.write(points);
      this.handed++;
    }
  }

  /** `stream milliseconds=value`, in order. */
  async events(): Promise<string[]> {
    await this.handOver();
    return [...this.disk.values()]
      .filter(({ series }) => series.name !== STATE_NAME)
      .map(({ series, time, value }) => `${series.tags.stream} ${time / MILLISECOND}=${value}`)
      .sort();
  }

  private start(): CumulativeStreams {
    const { store: reader, capacity } = this;
    const horizon = (): Promise<() => Promise<void>> => {
      const end = this.queue.length;
      return Promise.resolve(() => this.handOver(Math.max(0, end - this.handed)));
    };
    return new CumulativeStreams({ reader, horizon, capacity });
  }
}

const part = new Streams({ resourceTags: [], tags: null }).metricOf(NO_ATTRIBUTES, 'scope', 'orders').part('');
