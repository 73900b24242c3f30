import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Point } from '../../lib/event.js';
import type { NatsQueue } from '../../lib/nats/queue.js';
import { type Database, until } from './consumers.js';

/** What a queue has acknowledged, by the values of the points, which all differ. */
export class Acknowledged {
  private readonly values: number[] = [];

  constructor(private readonly queue: NatsQueue) {}

  get count(): number {
    return this.values.length;
  }

  /** Publishes once, and remembers the points where they are acknowledged. */
  async publish(batch: readonly Point[]): Promise<void> {
    const taken = await this.queue.publish(batch).then(
      () => true,
      () => sleep(10, false),
    );
    if (taken) this.values.push(...batch.map(({ value }) => value));
  }

  /** Waits until nothing is queued, and expects every point in the database, and none of any twice. */
  async expectOnceIn(database: Database): Promise<void> {
    await until(async () => (await this.queue.lag().catch(() => ({ events: 1 }))).events === 0);
    const found = new Set(database.values);
    expect(database.values, 'doubled').to.have.length(found.size);
    expect(
      this.values.filter((value) => !found.has(value)),
      'lost',
    ).to.deep.equal([]);
    expect(this.queue.losses, 'lost, as it says').to.equal(0);
  }
}
