import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import type { Point } from '../../lib/event.js';
import type { Delivery, Store } from '../../lib/store.js';
import { MILLISECOND } from '../../lib/time.js';
import { DELIVERY, freshNamespace, NOON, openForSuite, points, type Subject, valuesOf } from './subject.js';

/** What a queue delivers twice counts once. */
export function deliveries(subject: Subject): void {
  describe('deliveries', () => {
    const opened = openForSuite(subject);

    it('count once when they are repeated, also after a restart', async () => {
      const [namespace, partition] = [freshNamespace(), new Partition()];
      const sent = someOfEach(namespace, 0);
      await partition.deliver(opened().store, 1, sent);
      await partition.deliver(opened().store, 1, sent);
      await expectOnce(opened().store, namespace, sent);
      await opened().reopen();
      await partition.deliver(opened().store, 1, sent);
      await expectOnce(opened().store, namespace, sent);
    });

    it('count once when they are repeated after others', async () => {
      const [namespace, partition] = [freshNamespace(), new Partition()];
      const sent: Point[] = [];
      for (const sequence of [3, 4, 900]) {
        const some = someOfEach(namespace, sequence);
        sent.push(...some);
        await partition.deliver(opened().store, sequence, some);
        await opened().reopen();
        await partition.deliver(opened().store, sequence, some);
      }
      await expectOnce(opened().store, namespace, sent);
    });

    it('are written where a later one brings equal events', async () => {
      const [namespace, partition] = [freshNamespace(), new Partition()];
      const unnamed = points(10, () => ({ namespace }));
      await partition.deliver(opened().store, 1, unnamed);
      await partition.deliver(opened().store, 2, unnamed);
      await opened().reopen();
      await partition.deliver(opened().store, 2, unnamed);
      await partition.deliver(opened().store, 3, unnamed);
      expect(await valuesOf(opened().store, namespace)).to.have.length(30);
    });

    it('of several partitions do not disturb each other', async () => {
      const names = [freshNamespace(), freshNamespace(), freshNamespace()];
      const partitions = names.map((namespace) => ({ namespace, partition: new Partition() }));
      const deliverAll = async (sequence: number): Promise<void> => {
        for (const { namespace, partition } of partitions) {
          await partition.deliver(opened().store, sequence, someOfEach(namespace, sequence));
        }
      };
      await deliverAll(7);
      await opened().reopen();
      await deliverAll(7);
      await deliverAll(8);
      partitions.reverse();
      await deliverAll(8);
      for (const { namespace } of partitions) {
        await expectOnce(opened().store, namespace, [...someOfEach(namespace, 7), ...someOfEach(namespace, 8)]);
      }
    });

    it('take partitions of any name', async () => {
      const namespace = freshNamespace();
      for (const name of ["it's", '"a"', '', 'a\\', '😀 $1']) {
        const partition = new Partition(name);
        for (let time = 0; time < 2; time++)
          await partition.deliver(
            opened().store,
            1,
            points(1, () => ({ namespace })),
          );
      }
      expect(await valuesOf(opened().store, namespace)).to.have.length(5);
    });

    it('leave nothing where what must be recorded cannot be', async () => {
      const [namespace, partition] = [freshNamespace(), new Partition()];
      const sent = someOfEach(namespace, 0);
      const recorded = await partition.deliverUnrecorded(opened().store, 1, sent, 'refused');
      await expectOnce(opened().store, namespace, recorded === 'asked' ? [] : sent);
      await partition.deliver(opened().store, 1, sent);
      await expectOnce(opened().store, namespace, sent);
    });

    it('count once when the process died after it had recorded what it would do', async () => {
      const [namespace, partition] = [freshNamespace(), new Partition()];
      const [before, sent] = [someOfEach(namespace, 1), someOfEach(namespace, 2)];
      await partition.deliver(opened().store, 1, before);
      await partition.deliverUnrecorded(opened().store, 2, sent, 'kept');
      await opened().reopen();
      await partition.deliver(opened().store, 2, sent);
      await partition.deliver(opened().store, 2, sent);
      await expectOnce(opened().store, namespace, [...before, ...sent]);
    });

    it('take one without points', async () => {
      const [namespace, partition] = [freshNamespace(), new Partition()];
      await partition.deliver(opened().store, 1, []);
      await partition.deliver(opened().store, 2, someOfEach(namespace, 2));
      await expectOnce(opened().store, namespace, someOfEach(namespace, 2));
    });

    it('bring back what was deleted where a later one holds it again', async () => {
      const [namespace, partition] = [freshNamespace(), new Partition()];
      const sent = someOfEach(namespace, 0);
      await partition.deliver(opened().store, 1, sent);
      expect(await opened().store.delete({ namespace, name: 'cpu', tags: {} })).to.equal(sent.length);
      await partition.deliver(opened().store, 2, sent);
      await expectOnce(opened().store, namespace, sent);
    });
  });
}

let partitions = 0;

/** The part of a queue that a store sees: one partition, and what was recorded for its last delivery. */
class Partition {
  private recorded: { readonly sequence: number; readonly plan: Uint8Array } | undefined;

  constructor(private readonly name = `partition-${String(++partitions)}`) {}

  async deliver(store: Store, sequence: number, sent: readonly Point[]): Promise<void> {
    const delivery = this.delivery(sequence, (plan) => {
      this.recorded = { sequence, plan };
    });
    expect(await store.write(sent, delivery), 'refusals').to.deep.equal([]);
  }

  /** A delivery whose plan is refused, or kept by a process that hears no more of it. Says whether a plan was brought. */
  async deliverUnrecorded(
    store: Store,
    sequence: number,
    sent: readonly Point[],
    fate: 'refused' | 'kept',
  ): Promise<'asked' | 'never asked'> {
    const plans: Uint8Array[] = [];
    const delivery = this.delivery(sequence, (plan) => {
      plans.push(plan);
      if (fate === 'kept') this.recorded = { sequence, plan };
      throw new TrackingError('unavailable', 'Somebody else has taken over the partition.');
    });
    const outcome = await store.write(sent, delivery).catch((error: unknown) => error);
    if (plans.length === 0) {
      expect(outcome, 'refusals').to.deep.equal([]);
      return 'never asked';
    }
    expect(outcome).to.be.instanceOf(TrackingError).with.property('code', 'unavailable');
    return 'asked';
  }

  private delivery(sequence: number, record: (plan: Uint8Array) => void): Delivery {
    return {
      ...DELIVERY,
      partition: this.name,
      sequence,
      ...(this.recorded?.sequence === sequence ? { recorded: this.recorded.plan } : {}),
      record: (plan) =>
        new Promise((resolve) => {
          // A copy, as what was read from a disk would be.
          record(Uint8Array.from(plan));
          resolve();
        }),
    };
  }
}

/** Events of every kind of identity, many of them with one time; each value is another. */
function someOfEach(namespace: string, batch: number): Point[] {
  const time = NOON + BigInt(batch) * 1000n * MILLISECOND;
  const value = (index: number): number => batch * 1000 + index;
  return [
    ...points(100, (index) => ({ namespace, time, value: value(index) })),
    ...points(100, (index) => ({ namespace, time, id: String(index), value: value(100 + index) })),
    ...points(10, (index) => ({
      ...{ namespace, tags: { sampled: 'yes' }, sample: true },
      time: time + BigInt(index),
      value: value(200 + index),
    })),
    ...points(10, (index) => ({ namespace, tags: { host: String(index) }, time, value: value(300 + index) })),
    // Of other weeks, which InfluxDB keeps in shards of their own.
    ...points(3, (index) => ({
      namespace,
      time: time - BigInt(index) * 30n * 86_400_000n * MILLISECOND,
      value: value(400 + index),
    })),
  ];
}

async function expectOnce(store: Store, namespace: string, sent: readonly Point[]): Promise<void> {
  const expected = sent.map(({ value }) => value).sort((one, other) => one - other);
  expect(await valuesOf(store, namespace)).to.deep.equal(expected);
}
