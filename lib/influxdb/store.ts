import { abortable } from '../abortable.js';
import type { EventsQuery, Selection } from '../aggregation.js';
import { TrackingError } from '../errors.js';
import type { Point } from '../event.js';
import type {
  Delivery,
  Extent,
  LatestPoint,
  NameSummary,
  PointsQuery,
  Refusal,
  Store,
  StoredEvent,
  WindowAggregate,
  WindowedQuestion,
} from '../store.js';
import { Aggregator } from './aggregate.js';
import { Bucket } from './bucket.js';
import { Connection } from './connection.js';
import { Deletion } from './deletion.js';
import { Discovery } from './discovery.js';
import { streamEvents } from './events.js';
import { Exporting } from './exporting.js';
import { FieldTypes } from './field-types.js';
import { Gate } from './gate.js';
import { latestOf } from './latest.js';
import { Learning } from './learning.js';
import { Reader } from './reader.js';
import { Sender } from './sender.js';
import { Writer } from './writer.js';

export interface InfluxDBOptions {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
  /** Milliseconds of silence after which a request counts as unanswered; 10,000 unless told. */
  readonly timeout?: number;
  /** Questions under way at once while nothing is written, the others wait in line; 4 unless told. */
  readonly maxReads?: number;
  /** Bytes that the knowledge of taken nanoseconds may hold; 64 MiB unless told, some three million points. */
  readonly maxKnownBytes?: number;
}

const DEFAULTS = { timeout: 10_000, maxReads: 4, maxKnownBytes: 64 * 1024 * 1024 };

// Pages are asked for beside the questions, so that no question holds up a write.
const PAGES_AT_ONCE = 6;
// InfluxDB divides a question's work among all processors and writes wait for them: beside questions that took turns 24 ms
// (p99, two cores), beside four at once 158 ms.
const QUESTIONS_BESIDE_WRITES = 1;
const WRITES_CEASED = 1000;
// So that no long question holds up the short ones.
const PATIENCE = 1000;
// A question over years may work long before its first row.
const QUESTION_TIMEOUT_FACTOR = 6;

/**
 * Events in a bucket of InfluxDB 2: measurement = namespace, tag `name`, further tags as given, float field `value`,
 * and for events with an id the integer field `id` (a fingerprint). Any InfluxDB client reads them as they are.
 */
export class InfluxDBStore implements Store {
  private readonly reader: Reader;
  private readonly pageReader: Reader;
  private readonly sender: Sender;
  private readonly writer: Writer;
  private readonly discovery: Discovery;
  private readonly aggregator: Aggregator;
  private readonly connection: Connection;
  private readonly deletion: Deletion;
  private readonly types: FieldTypes;
  private readonly bucket: string;
  private closed = false;
  private lastWrite = -Infinity;

  /** Connects to nothing yet. */
  constructor(options: InfluxDBOptions) {
    const { url, token, org, bucket, timeout, maxReads, maxKnownBytes } = { ...DEFAULTS, ...options };
    const patience = timeout * QUESTION_TIMEOUT_FACTOR;
    this.bucket = bucket;
    const applies = (): boolean => performance.now() - this.lastWrite < WRITES_CEASED;
    const gate = new Gate(maxReads, { places: QUESTIONS_BESIDE_WRITES, applies, patience: PATIENCE });
    this.reader = new Reader({ url, token, org, timeout: patience, gate });
    this.pageReader = new Reader({ url, token, org, timeout: patience, gate: new Gate(PAGES_AT_ONCE) });
    this.sender = new Sender({ url, token, org, bucket, timeout });
    this.connection = new Connection({ url, token, timeout });
    const { connection, pageReader } = this;
    const rules = new Bucket({ connection, org, bucket });
    const types = new FieldTypes({ reader: pageReader, connection, bucket, rules, timeout: patience });
    this.types = types;
    const learning = new Learning(pageReader, bucket, types);
    this.writer = new Writer({ learning, sender: this.sender, rules, maxBytes: maxKnownBytes });
    this.deletion = new Deletion({
      reader: this.pageReader,
      connection: this.connection,
      org,
      bucket,
      types,
      timeout: patience,
    });
    this.discovery = new Discovery(this.reader, bucket, types);
    this.aggregator = new Aggregator(this.reader, bucket, types);
  }

  /** How much is kept of which nanoseconds are taken. */
  get memory(): Writer['memory'] {
    return this.writer.memory;
  }

  async write(points: readonly Point[], delivery?: Delivery): Promise<readonly Refusal[]> {
    this.assertOpen();
    this.lastWrite = performance.now();
    return this.writer.write(points, delivery);
  }

  async extent(selection: Selection): Promise<Extent | undefined> {
    this.assertOpen();
    return this.discovery.extent(selection);
  }

  aggregate(question: WindowedQuestion): AsyncIterable<WindowAggregate> {
    return this.whileOpen((signal) => this.aggregator.aggregate(question, signal));
  }

  latest(selection: Selection, groupBy: string): AsyncIterable<LatestPoint> {
    return this.whileOpen((signal) => latestOf(this.reader, this.bucket, this.types, selection, groupBy, signal));
  }

  events(query: EventsQuery): AsyncIterable<StoredEvent> {
    return this.whileOpen((signal) => streamEvents(this.reader, this.bucket, this.types, query, signal));
  }

  async delete(selection: Selection, assertHeld?: () => void): Promise<number> {
    this.assertOpen();
    try {
      return await this.deletion.delete(selection, assertHeld);
    } finally {
      this.writer.forget(selection);
    }
  }

  points(query: PointsQuery): AsyncIterable<readonly Point[]> {
    return this.whileOpen((signal) => new Exporting(this.reader, this.bucket, this.types).points(query, signal));
  }

  async namespaces(): Promise<readonly string[]> {
    this.assertOpen();
    return this.discovery.namespaces();
  }

  async names(namespace: string): Promise<readonly NameSummary[]> {
    this.assertOpen();
    return this.discovery.names(namespace);
  }

  async check(): Promise<void> {
    this.assertOpen();
    await this.sender.check();
    await this.discovery.check();
  }

  close(): Promise<void> {
    this.closed = true;
    this.sender.close();
    this.connection.close();
    this.pageReader.close();
    this.reader.close();
    return Promise.resolve();
  }

  private whileOpen<T>(
    generate: (signal: AbortSignal) => AsyncGenerator<T, void, undefined>,
  ): AsyncIterable<T, void, undefined> {
    const assertOpen = (): void => {
      this.assertOpen();
    };
    return abortable(async function* (signal) {
      assertOpen();
      yield* generate(signal);
    });
  }

  private assertOpen(): void {
    if (this.closed) throw new TrackingError('unavailable', 'The store is closed.');
  }
}
