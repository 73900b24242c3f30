import { config, expect } from 'chai';
import type { Aggregation, Selection } from '../../lib/aggregation.js';
import { TrackingError } from '../../lib/errors.js';
import { identityOfId, ITSELF, type Point, SAMPLE, seriesOf, type Tags } from '../../lib/event.js';
import type { Delivery, Extent, Store, StoredEvent } from '../../lib/store.js';
import { MILLISECOND, type Nanoseconds, toMilliseconds } from '../../lib/time.js';
import type { WindowRun } from '../../lib/window.js';

// A list of events that differ is told in full.
config.truncateThreshold = 0;

/** A kind of store that the contract is held against. */
export interface Subject {
  readonly name: string;
  /** Makes an empty database; what it resolves to opens that one, and opens it again once it is closed. */
  readonly create: () => Promise<() => Promise<Store>>;
}

/** How many random cases each property tries. */
export const CASES = Number(process.env.TRACKING_CASES ?? 100);

/** Mocha's limit for a property; it only ends what hangs. */
export const PROPERTY_TIMEOUT = 120_000 + CASES * 1000;

/** The store of a suite. */
export interface Opened {
  readonly store: Store;
  /** Closes it and opens it again, as a restart of the service would. */
  reopen(): Promise<void>;
}

/** Inside a suite: a database of its own, opened before its first test and closed after its last one. */
export function openForSuite(subject: Subject): () => Opened {
  let open: (() => Promise<Store>) | undefined;
  let store: Store | undefined;
  before('an empty database', async function () {
    this.timeout('20m'); // its server may have to be built
    open = await subject.create();
    store = await open();
  });
  after(async () => {
    await store?.close();
  });
  const reopen = async (): Promise<void> => {
    await store?.close();
    store = await open?.();
  };
  return () => {
    if (store === undefined) throw new Error('The store is open from the first test of the suite on.');
    return { store, reopen };
  };
}

let namespaces = 0;

/** A namespace that no other test uses, so that many share a database. */
export function freshNamespace(): string {
  return `Namespace-${String(++namespaces)}`;
}

/** 2020-11-12T11:10:00Z. */
export const NOON: Nanoseconds = 1_605_179_400n * 1000n * MILLISECOND;

export interface PointSketch {
  readonly namespace: string;
  readonly name?: string;
  readonly tags?: Tags;
  readonly time?: Nanoseconds;
  readonly value?: number;
  readonly id?: string;
  readonly sample?: boolean;
}

export function point({ namespace, name = 'cpu', tags, time = NOON, value = 1, id, sample }: PointSketch): Point {
  const identity = sample === true ? SAMPLE : id === undefined ? ITSELF : identityOfId(id, time);
  return { series: seriesOf(namespace, name, tags), time, value, identity };
}

/** So many points, made by their number. */
export function points(count: number, sketch: (index: number) => PointSketch): Point[] {
  return Array.from({ length: count }, (_, index) => point(sketch(index)));
}

export function all(namespace: string, name = 'cpu'): Selection {
  return { namespace, name, tags: {} };
}

/** A delivery of a partition that nobody takes over, and of which nothing is kept. */
export const DELIVERY: Delivery = {
  partition: 'p',
  tenure: 't',
  sequence: 1,
  record: () => Promise.resolve(),
  assertHeld: () => undefined,
};

/** One window from the first to the last millisecond. */
export function oneWindow({ first, last }: Extent): WindowRun {
  const start = BigInt(toMilliseconds(first)) * MILLISECOND;
  return { start, length: BigInt(toMilliseconds(last) + 1) * MILLISECOND - start, count: 1 };
}

/** The aggregates of everything selected; undefined where there is nothing. */
export async function aggregatesOf(
  store: Store,
  selection: Selection,
  ...aggregations: Aggregation[]
): Promise<readonly (number | null)[] | undefined> {
  const extent = await store.extent(selection);
  if (extent === undefined) return undefined;
  const rows = await collect(store.aggregate({ selection, windows: [oneWindow(extent)], aggregations }));
  expect(rows, 'windows').to.have.length(1);
  return rows[0]?.values;
}

/** The values of all events of a namespace, in order of size. */
export async function valuesOf(store: Store, namespace: string): Promise<number[]> {
  const events = await collect(store.events({ selection: all(namespace) }));
  const [count] = (await aggregatesOf(store, all(namespace), 'count')) ?? [0];
  expect(count, 'count').to.equal(events.length);
  return events.map(({ value }) => value).sort((one, other) => one - other);
}

/** An event as people see it: to the millisecond, and comparable. */
export function shown({ time, value, tags }: StoredEvent): string {
  const sorted = Object.entries(tags).sort(([one], [other]) => (one < other ? -1 : 1));
  return JSON.stringify([toMilliseconds(time), value, sorted]);
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** Writes, and expects that nothing is refused. */
export async function write(store: Store, written: readonly Point[]): Promise<void> {
  expect(await store.write(written), 'refusals').to.deep.equal([]);
}

/** Writes into a store, and into the reference that it is held against. */
export async function writeBoth(store: Store, reference: Store, written: readonly Point[]): Promise<void> {
  await write(store, written);
  await reference.write(written);
}

/** Selections of which none has the one event of its namespace: of `cpu` at noon, with the tag `host=a`. */
export function emptySelections(namespace: string): Selection[] {
  const selection = all(namespace);
  return [
    all(namespace, 'unknown'),
    { ...selection, tags: { host: ['b'] } },
    { ...selection, tags: { unknown: ['a'] } },
    { ...selection, tsMin: NOON + MILLISECOND },
    { ...selection, tsMax: NOON },
    { ...selection, tsMin: NOON + MILLISECOND, tsMax: NOON - MILLISECOND },
  ];
}

/** Expects a TrackingError `unavailable`, thrown or rejected with. */
export async function expectUnavailable(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    expect(error).to.be.instanceOf(TrackingError).with.property('code', 'unavailable');
    return;
  }
  expect.fail('It should have failed as unavailable, and did not.');
}
