import { TrackingError } from './errors.js';
import type { Point } from './event.js';
import { type PointBatch, batchOf, pointsOf } from './point-batch.js';
import type { Queue } from './queue.js';
import { type Registry, type RegistryContent, contentOf } from './registry.js';
import type { Extent, Refusal, Store } from './store.js';
import { type PointsFilter, type Sink, type Source, sourceOf } from './transfer.js';

export type StoreKind = 'duckdb' | 'influxdb';

/** A store as those who move points see it: in this process, or in another through its socket. */
export interface TransferStore extends Source, Sink {
  readonly kind: StoreKind;
  /** Applications, keys and retentions beside it. */
  registry(): Promise<RegistryContent>;
  /** How many events wait for it in a queue, about; nothing where there is no queue. */
  waiting(): Promise<number | undefined>;
}

interface Acceptor {
  accept(points: readonly Point[], sender: string): Promise<void>;
}

/** No application has this id, for it has a space. */
const SENDER = 'command line';

/** Answers a write after its longest wait in line (WRITE_TIMEOUT_SECONDS is at most 600). */
const WRITE_TIMEOUT = 630_000; // ms
const SLOW_TIMEOUT = 600_000; // ms

/** A store of this process, written to through the same line as everything else that is sent to it. */
export function ownStore(parts: {
  readonly kind: StoreKind;
  readonly store: Pick<Store, 'points' | 'namespaces' | 'names'>;
  readonly ingest: Acceptor;
  readonly registry: Pick<Registry, 'applications' | 'retentions' | 'signingKeys'>;
  readonly queue: Pick<Queue, 'lag'> | undefined;
}): TransferStore {
  return {
    kind: parts.kind,
    ...sourceOf(parts.store),
    write: (points) => accept(parts.ingest, points),
    registry: () => contentOf(parts.registry),
    waiting: async () => (await parts.queue?.lag())?.events,
  };
}

/** What `Store.write` would give: the refusals, where the others are stored. */
async function accept(ingest: Acceptor, points: readonly Point[]): Promise<readonly Refusal[]> {
  try {
    await ingest.accept(points, SENDER);
    return [];
  } catch (error) {
    if (!(error instanceof TrackingError) || error.code !== 'unprocessable') throw error;
    return error.mistakes.flatMap(({ index, message }) => (index === undefined ? [] : { index, reason: message }));
  }
}

/** The first command to send: answered with the kind of the store. */
export const GREETING = 'store kind';

/** What a process does with its store for other processes of ours. */
export function storeCommands(store: TransferStore): Record<string, (argument: unknown) => Promise<unknown>> {
  return {
    [GREETING]: () => Promise.resolve(store.kind),
    'store extent': async (argument) => {
      const extent = await store.extent(filterOf(argument as FilterText));
      return extent === undefined ? null : { first: String(extent.first), last: String(extent.last) };
    },
    'store write': (argument) => store.write(pointsOf(argument as PointBatch)),
    'registry content': () => store.registry(),
    'store waiting': async () => (await store.waiting()) ?? null,
  };
}

/** What a process gives of its store to other processes of ours, some thousand points an item. */
export function storeStreams(store: TransferStore): Record<string, (argument: unknown) => AsyncIterable<PointBatch>> {
  return {
    'store points': async function* (argument) {
      for await (const points of store.points(filterOf(argument as FilterText))) {
        for (let start = 0; start < points.length; start += POINTS_AN_ITEM) {
          yield batchOf(points.slice(start, start + POINTS_AN_ITEM));
        }
      }
    },
  };
}

const POINTS_AN_ITEM = 5_000;

/** What reaches the process that holds the store. */
export interface StoreConnection {
  send(name: string, argument: unknown, timeout?: number): Promise<unknown>;
  stream(name: string, argument: unknown): AsyncIterable<unknown>;
}

/** The store of another process. */
export function remoteStore(connection: StoreConnection, kind: StoreKind): TransferStore {
  return {
    kind,
    async *points(filter) {
      const stream = connection.stream('store points', textOf(filter)) as AsyncIterable<PointBatch>;
      for await (const batch of stream) yield pointsOf(batch);
    },
    async extent(filter) {
      const answer = await connection.send('store extent', textOf(filter), SLOW_TIMEOUT);
      return answer === null ? undefined : extentOf(answer as ExtentText);
    },
    write: async (points) => (await connection.send('store write', batchOf(points), WRITE_TIMEOUT)) as Refusal[],
    registry: async () => (await connection.send('registry content', undefined)) as RegistryContent,
    waiting: async () => ((await connection.send('store waiting', undefined)) as number | null) ?? undefined,
  };
}

interface ExtentText {
  readonly first: string;
  readonly last: string;
}

function extentOf({ first, last }: ExtentText): Extent {
  return { first: BigInt(first), last: BigInt(last) };
}

/** A filter as JSON, which has no whole numbers of that size. */
interface FilterText {
  readonly namespaces: readonly string[];
  readonly names: readonly string[];
  readonly from?: string;
  readonly to?: string;
}

function textOf({ namespaces, names, from, to }: PointsFilter): FilterText {
  return {
    namespaces,
    names,
    ...(from === undefined ? {} : { from: String(from) }),
    ...(to === undefined ? {} : { to: String(to) }),
  };
}

function filterOf({ namespaces, names, from, to }: FilterText): PointsFilter {
  return {
    namespaces,
    names,
    ...(from === undefined ? {} : { from: BigInt(from) }),
    ...(to === undefined ? {} : { to: BigInt(to) }),
  };
}
