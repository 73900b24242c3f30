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
  /** Tells this stream from one of the same name that was there before. */
  readonly generation: string;
  /** Who reads which partition, and how far. */
  readonly writers: Bucket;
  readonly deadLetters: Bucket;
}

/** On which subject a partition's messages are published; `*` for all partitions. */
export function subjectOf(stream: string, partition: number | '*'): string {
  return `${stream}.events.${partition}`;
}

/**
 * Makes the stream and the buckets where they are missing, and brings them to the settings asked for.
 * @throws TrackingError `unavailable` where they are there and cannot be brought to them; and as the client throws
 */
export async function openSession(link: Link, { name, replicas }: StreamOptions): Promise<Session> {
  const jsm = await jetstreamManager(link.nc);
  const info = await ensure(jsm, {
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
  });
  const bucket = async (bucketName: string): Promise<Bucket> => {
    await ensure(jsm, bucketConfig(bucketName, replicas));
    return new Bucket(link, jsm, bucketName);
  };
  return {
    ...link,
    jsm,
    stream: name,
    generation: Date.parse(info.created).toString(36),
    writers: await bucket(`${name}-writers`),
    deadLetters: await bucket(`${name}-dead-letters`),
  };
}

type Wanted = Partial<StreamConfig> & { readonly name: string };

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

async function ensure(jsm: JetStreamManager, wanted: Wanted): Promise<StreamInfo> {
  const found = await jsm.streams.info(wanted.name).catch((error: unknown) => {
    if (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound) return undefined;
    throw error;
  });
  if (found === undefined) return jsm.streams.add(wanted);
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
