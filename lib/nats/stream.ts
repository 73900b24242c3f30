import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { TrackingError } from '../errors.js';
import { Bucket } from './bucket.js';
import type { Link } from './exchange.js';
import { type Loss, type Numbering, openNumbering, type Reached } from './numbering.js';
import { reachedByPositions } from './position.js';
import { piecesWithin, Reserve } from './reserve.js';

/** How many ways the namespaces are parted; every instance must know the same number. */
export const PARTITIONS = 8;

export interface StreamOptions {
  /** The name of the stream, and what the names of the buckets begin with. */
  readonly name: string;
  readonly replicas: number;
}

/** A connection with everything in place that the queue keeps in NATS. */
export interface Session extends Link {
  readonly jsm: JetStreamManager;
  readonly stream: string;
  /** What the numbers of the stream mean. */
  readonly numbering: Numbering;
  /** Who reads which partition, and how far. */
  readonly writers: Bucket;
  readonly deadLetters: Bucket;
  /** Room for what the readers note. */
  readonly reserve: Reserve;
}

/** On which subject a partition's messages are published; `*` for all partitions. */
export function subjectOf(stream: string, partition: number | '*'): string {
  return `${stream}.events.${partition}`;
}

/** What an instance knows that NATS may have lost. */
export interface Memory {
  readonly numbering: Numbering | undefined;
  readonly reached: readonly Reached[];
  readonly onLoss: (noted: Loss) => void;
}

/**
 * Makes the stream and the buckets where they are missing, and brings them to the settings asked for.
 * @throws TrackingError `unavailable` where they are there and cannot be brought to them; and as the client throws
 */
export async function openSession(link: Link, { name, replicas }: StreamOptions, memory: Memory): Promise<Session> {
  const jsm = await jetstreamManager(link.nc);
  const reserve = await openReserve(link, jsm, { name: `${name}-reserve`, replicas });
  const bucket = async (bucketName: string): Promise<Bucket> => {
    await ensure(jsm, bucketConfig(bucketName, replicas));
    return new Bucket(link, jsm, bucketName, reserve);
  };
  const writers = await bucket(`${name}-writers`);
  const deadLetters = await bucket(`${name}-dead-letters`);
  const numbering = await openNumbering({
    writers,
    known: memory.numbering,
    run: runOf(link),
    reached: async () => [...memory.reached, ...(await reachedByPositions(writers))],
    stream: (first) => ensure(jsm, streamConfig(name, replicas), first > 1 ? { first_seq: first } : {}),
    onLoss: memory.onLoss,
  });
  return { ...link, jsm, stream: name, numbering, writers, deadLetters, reserve };
}

/** Where NATS refuses it, for its limits or the user's permissions perhaps, everything goes on without it. */
async function openReserve(link: Link, jsm: JetStreamManager, { name, replicas }: StreamOptions): Promise<Reserve> {
  const pieces = await makeReserve(jsm, { name, replicas }).catch(() => 0);
  const reserve = new Reserve(link, jsm, name, pieces);
  await reserve.restore().catch(() => undefined);
  return reserve;
}

/** @returns of how many pieces */
async function makeReserve(jsm: JetStreamManager, { name, replicas }: StreamOptions): Promise<number> {
  const { limits } = await jsm.getAccountInfo();
  const pieces = piecesWithin(limits.max_storage > 0 ? limits.max_storage : undefined);
  if (pieces > 0) await ensure(jsm, reserveConfig(name, replicas, pieces));
  return pieces;
}

/**
 * The id that a server has from start to end. In a cluster instances are connected to different ones; and one without
 * JetStream only hands on to another.
 */
function runOf({ nc: { info } }: Link): string | undefined {
  return info?.jetstream === true && info.cluster === undefined ? info.server_id : undefined;
}

type Wanted = Partial<StreamConfig> & { readonly name: string };

function streamConfig(name: string, replicas: number): Wanted {
  return {
    name,
    subjects: [subjectOf(name, '*')],
    storage: StorageType.File,
    num_replicas: replicas,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New, // a full stream refuses, and drops nothing
    max_age: 0,
    max_msgs_per_subject: -1,
    allow_atomic: true,
    allow_direct: true,
  };
}

/** What makes a stream a key-value bucket of one value a key (ADR-8 of NATS). */
function bucketConfig(name: string, replicas: number): Wanted {
  return {
    name: `KV_${name}`,
    subjects: [`$KV.${name}.>`],
    storage: StorageType.File,
    num_replicas: replicas,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.New,
    max_age: 0,
    max_msgs_per_subject: 1,
    allow_rollup_hdrs: true,
    allow_direct: true,
  };
}

function reserveConfig(name: string, replicas: number, pieces: number): Wanted {
  return {
    name,
    subjects: [name],
    storage: StorageType.File,
    num_replicas: replicas,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old, // several may put pieces back at once
    max_msgs: pieces,
  };
}

/** @param atFirst - what is said of it only where it has to be made */
async function ensure(jsm: JetStreamManager, wanted: Wanted, atFirst: Partial<StreamConfig> = {}): Promise<StreamInfo> {
  const found = await jsm.streams.info(wanted.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  });
  if (found === undefined) return jsm.streams.add({ ...wanted, ...atFirst });
  const { config } = found;
  for (const key of ['storage', 'retention'] as const) {
    if (config[key] === wanted[key]) continue;
    throw new TrackingError(
      'unavailable',
      `The stream ${wanted.name} in NATS has ${key} "${config[key]}" and needs "${String(wanted[key])}", which cannot be changed: remove it, or use another name (NATS_STREAM).`,
      { retryAfter: 5 },
    );
  }
  const persistence = config.persist_mode as string | undefined;
  if (persistence === 'async') {
    throw new TrackingError(
      'unavailable',
      `The stream ${wanted.name} in NATS has persist_mode "async", which acknowledges before it stores: remove it, or use another name (NATS_STREAM).`,
      { retryAfter: 5 },
    );
  }
  const differs = Object.entries(wanted).some(
    ([key, value]) => JSON.stringify(config[key as keyof StreamConfig]) !== JSON.stringify(value),
  );
  // The operator's own limits stay.
  return differs ? jsm.streams.update(wanted.name, { ...config, ...wanted }) : found;
}
