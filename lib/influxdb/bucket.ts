import type { Point } from '../event.js';
import { toMilliseconds } from '../time.js';
import { type Connection, jsonOf } from './connection.js';

export interface BucketOptions {
  readonly connection: Connection;
  readonly org: string;
  readonly bucket: string;
}

/** What InfluxDB says of a bucket. */
interface Rules {
  /** Seconds that it keeps points; for ever where there is none. */
  readonly retention?: number;
  /** Seconds of each of its shards. */
  readonly shard?: number;
}

const HOUR = 3600;
const WEEK = 7 * 24 * HOUR;
const MINUTE = 60_000; // ms
/** Shards of a bucket were once as long as this, whatever they are today, unless an operator chose longer ones. */
const LONGEST_SHARD = WEEK;
/** So much the clocks of InfluxDB and this machine may differ. */
const CLOCKS = HOUR;
/** InfluxDB lets no bucket keep points for less. */
const LEAST_RETENTION = HOUR;

/** The rules of a bucket, as far as InfluxDB shows them to our token. */
export class Bucket {
  private known: { readonly rules: Promise<Rules>; readonly at: number } | undefined;

  constructor(private readonly options: BucketOptions) {}

  /**
   * Seconds of its shards, nothing where InfluxDB does not say.
   * @param age - milliseconds that an answer may be old
   * @throws TrackingError where InfluxDB cannot be asked
   */
  async shardSeconds(age: number): Promise<number | undefined> {
    return (await this.rules(age)).shard;
  }

  /**
   * The time in milliseconds since 1970 before which InfluxDB takes none of some points, for certain. Nobody is asked for
   * points of late, and nothing is held against old ones that was not asked for them: the bucket may keep more since.
   *
   * By itself InfluxDB refuses what is older than the retention; beside a newer point of the same shard it takes it
   * (influxd 2.7.12, v1/coordinator/points_writer.go).
   */
  async horizon(points: readonly Point[]): Promise<number> {
    const oldest = oldestOf(points);
    if (oldest >= horizonOf({ retention: LEAST_RETENTION })) return -Infinity;
    const early = await this.horizonKnown(MINUTE);
    return oldest < early ? this.horizonKnown(0) : early;
  }

  private async horizonKnown(age: number): Promise<number> {
    // InfluxDB refuses what it must by itself, if we cannot ask.
    return horizonOf(await this.rules(age).catch(() => ({})));
  }

  private rules(age: number): Promise<Rules> {
    const now = performance.now();
    if (this.known === undefined || now - this.known.at >= age) {
      const rules = this.ask();
      const asked = { rules, at: now };
      this.known = asked;
      rules.catch(() => {
        if (this.known === asked) this.known = undefined;
      });
    }
    return this.known.rules;
  }

  private async ask(): Promise<Rules> {
    const { connection, org, bucket } = this.options;
    const target = `/api/v2/buckets?${new URLSearchParams({ org, name: bucket }).toString()}`;
    const answer = await connection.ask({ target });
    const found = answer && (jsonOf(answer.message) as BucketsAnswer);
    const rule = found?.buckets?.[0]?.retentionRules?.[0];
    const { everySeconds: retention = 0, shardGroupDurationSeconds: shard = 0 } = rule ?? {};
    return { ...(retention > 0 && { retention }), ...(shard > 0 && { shard }) };
  }
}

function horizonOf({ retention, shard = 0 }: Rules): number {
  if (retention === undefined) return -Infinity;
  return Date.now() - (retention + Math.max(shard, LONGEST_SHARD) + CLOCKS) * 1000;
}

function oldestOf(points: readonly Point[]): number {
  let oldest = points[0]?.time;
  if (oldest === undefined) return Infinity;
  for (const { time } of points) if (time < oldest) oldest = time;
  return toMilliseconds(oldest);
}

/** As the API of InfluxDB lists buckets. */
interface BucketsAnswer {
  readonly buckets?: readonly {
    readonly retentionRules?: readonly {
      readonly everySeconds?: number;
      readonly shardGroupDurationSeconds?: number;
    }[];
  }[];
}
