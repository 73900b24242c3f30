import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrackingError } from '../errors.js';
import type { Entry } from './bucket.js';
import type { Connection } from './connection.js';
import { isNoRoom, problemOf } from './failure.js';
import type { Reached } from './numbering.js';
import { mayReturn, Partition } from './partition.js';
import { PARTITIONS } from './stream.js';
import type { PartitionWork } from './tenure.js';

const BEAT = 1000;
/** Without having been heard of for so long, an instance writes no more; after the longer time others take over. */
const SILENCE_ENDURED = 4000;
const DEATH = 5000;

/** When a beat was last seen to change, on this instance's own clock. */
interface Seen {
  revision: number;
  at: number;
}

/**
 * Shares the partitions among the instances that live. Each beats once a second, under a key of its own in a bucket; who
 * has which partition stands there too, and changes by compare-and-set. An instance that has not beaten for five seconds
 * by the clock of another is dead, and its partitions are free. Nobody takes more than an even share, and who has more
 * gives one up a round.
 */
export class Leases {
  private readonly instance: string = randomUUID();
  private readonly seen = new Map<string, Seen>();
  private readonly held = new Map<number, Partition>();
  /** How far this instance has written each partition that it had. */
  private readonly reached = new Map<number, Promise<Reached | undefined>>();
  /** Those of which the bucket has once said who has them; and since when it says nothing of any. */
  private readonly said = new Set<number>();
  private readonly unsaidSince = new Map<number, number>();
  /** Those that are given up as soon as the delivery under way is done. */
  private readonly giving = new Set<number>();
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;
  private beatAt = -Infinity;
  private observedAt = -Infinity;
  private trouble: string | undefined;
  private full = false;

  constructor(
    private readonly connection: Connection,
    private readonly work: Omit<PartitionWork, 'assertAlive'>,
  ) {
    connection.onClient((nc) => {
      nc.subscribe(`${connection.stream}.wake.*`, {
        callback: (error, message) => {
          if (error === null) this.held.get(Number(message.subject.split('.').at(-1)))?.wake();
        },
      });
    });
    this.running = this.run();
  }

  /** What keeps the partitions of this instance from going on. */
  get problem(): string | undefined {
    return (
      this.trouble ?? [...this.held.values()].map(({ problem }) => problem).find((problem) => problem !== undefined)
    );
  }

  /** Whether NATS has no room even for what the readers note in it: then nothing leaves the queue. */
  get lacksRoom(): boolean {
    return this.full;
  }

  /** Stops reading once the deliveries under way are done, and lets others have the partitions at once. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
    await Promise.all([...this.held.values()].map((partition) => partition.stop()));
    await this.leave().catch(() => undefined); // they take over a little later then
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    for (let failures = 0; !signal.aborted;) {
      try {
        await this.round();
        failures = 0;
        this.trouble = undefined;
        this.full = false;
      } catch (error) {
        // Once is a start before NATS has answered, or a break that the next round has mended.
        if (++failures === 2) this.work.onProblem('the queue cannot be shared out', error);
        this.trouble = problemOf(error);
        this.full = isNoRoom(error);
      }
      await sleep(BEAT, undefined, { signal }).catch(() => undefined);
    }
  }

  private async round(): Promise<void> {
    const { writers } = this.connection.session;
    const sent = performance.now();
    await writers.put(`instance.${this.instance}`, new Date().toISOString());
    const entries = await writers.match('instance.*', 'owner.*');
    const owners = new Map(entries.filter(({ key }) => key.startsWith('owner.')).map((entry) => [entry.key, entry]));
    // In this order: after a pause the beat says nothing of what others have taken over meanwhile.
    this.loseTaken(owners);
    this.beatAt = sent;
    const living = await this.observe(entries);
    await this.shareOut(owners, living);
  }

  /** Ends at once what others have by now: a write that is tried again and again must not go on. */
  private loseTaken(owners: ReadonlyMap<string, Entry>): void {
    for (const [number, partition] of this.held) {
      const entry = owners.get(`owner.${number}`);
      if (entry === undefined || ownerIn(entry) === this.instance) continue;
      this.held.delete(number);
      partition.lose();
      this.reached.set(number, reachedBy(partition));
    }
  }

  /** The instances that live, and the end of those that have long been dead. */
  private async observe(entries: readonly Entry[]): Promise<Set<string>> {
    const { writers } = this.connection.session;
    const now = performance.now();
    const pause = now - this.observedAt;
    // While nobody could be heard, nobody was silent. Where NATS is just slow, two seconds of each pause count.
    if (pause > DEATH) this.seen.clear();
    else for (const seen of this.seen.values()) seen.at += Math.max(0, pause - 2 * BEAT);
    this.observedAt = now;
    const living = new Set([this.instance]);
    for (const { key, revision } of entries) {
      if (!key.startsWith('instance.')) continue;
      const instance = key.slice('instance.'.length);
      const seen = this.seen.get(instance);
      if (seen?.revision !== revision) this.seen.set(instance, { revision, at: now });
      const silence = seen?.revision === revision ? now - seen.at : 0;
      if (silence < DEATH) living.add(instance);
      else if (instance !== this.instance && silence > 4 * DEATH) {
        await writers.remove(key);
        this.seen.delete(instance);
      }
    }
    return living;
  }

  private async shareOut(owners: ReadonlyMap<string, Entry>, living: ReadonlySet<string>): Promise<void> {
    const share = Math.ceil(PARTITIONS / living.size);
    let given = false;
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const entry = owners.get(`owner.${partition}`);
      const owner = ownerIn(entry);
      const returning = this.mayReturn(partition, entry);
      if (this.giving.has(partition)) continue;
      const held = this.held.get(partition)?.ended === false;
      // A bucket that was made anew knows of nobody: who has a partition keeps it.
      if (entry === undefined && held) await this.claim(partition, 0);
      else if (returning) continue;
      if (owner === this.instance) {
        if (!held) this.begin(partition);
        else if (!given && this.giving.size === 0 && this.held.size > share) {
          given = true;
          void this.give(partition, entry);
        }
      } else if (!living.has(owner) && this.held.size < share && (await this.claim(partition, entry?.revision ?? 0))) {
        this.begin(partition);
      }
    }
  }

  /** Whether the bucket does not say who has a partition, but somebody who lives may say it again. */
  private mayReturn(partition: number, entry: Entry | undefined): boolean {
    if (entry !== undefined) {
      this.said.add(partition);
      this.unsaidSince.delete(partition);
      return false;
    }
    if (!this.said.has(partition) && !mayReturn(this.connection.session)) return false;
    const now = performance.now();
    const since = this.unsaidSince.get(partition) ?? now;
    this.unsaidSince.set(partition, since);
    return now - since < DEATH;
  }

  /** @returns false where another was faster */
  private async claim(partition: number, revision: number): Promise<boolean> {
    const { writers } = this.connection.session;
    return (await writers.replace(`owner.${partition}`, this.instance, revision)) !== undefined;
  }

  private begin(number: number): void {
    if (this.closing.signal.aborted) return;
    const assertAlive = (): void => {
      this.assertAlive();
    };
    const before = this.held.get(number);
    if (before !== undefined) this.reached.set(number, reachedBy(before));
    const own = this.reached.get(number) ?? Promise.resolve(undefined);
    const partition = new Partition(number, randomUUID(), { ...this.work, assertAlive }, own);
    this.held.set(number, partition);
    partition.start();
  }

  /** Gives a partition up, once the delivery under way is done: a deletion must not reach what comes behind it. */
  private async give(partition: number, entry: Entry | undefined): Promise<void> {
    this.giving.add(partition);
    try {
      await this.drop(partition);
      await this.connection.session.writers.replace(`owner.${partition}`, '', entry?.revision ?? 0);
    } catch (error) {
      this.work.onProblem(`partition ${partition} of the queue could not be given up`, error);
    } finally {
      this.giving.delete(partition);
    }
  }

  /** @returns once its last delivery is done */
  private async drop(partition: number): Promise<void> {
    const held = this.held.get(partition);
    if (held === undefined) return;
    const reached = reachedBy(held);
    this.reached.set(partition, reached);
    await reached;
    if (this.held.get(partition) === held) this.held.delete(partition);
  }

  private async leave(): Promise<void> {
    const { writers } = this.connection.session;
    for (const { key, value, revision } of await writers.match('owner.*')) {
      if (Buffer.from(value).toString() === this.instance) await writers.replace(key, '', revision);
    }
    await writers.remove(`instance.${this.instance}`);
  }

  private assertAlive(): void {
    if (performance.now() - this.beatAt < SILENCE_ENDURED) return;
    throw new TrackingError('unavailable', 'This instance has lost touch with NATS, and others may have its work.', {
      retryAfter: 5,
    });
  }
}

/** How far a partition was written once its last delivery was done. */
async function reachedBy(partition: Partition): Promise<Reached | undefined> {
  await partition.stop();
  return partition.reached;
}

/** The instance that has a partition, or nothing. */
function ownerIn(entry: Entry | undefined): string {
  return entry === undefined ? '' : Buffer.from(entry.value).toString();
}
