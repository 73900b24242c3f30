import { expect } from 'chai';
import { setTimeout } from 'node:timers/promises';
import type { Selection } from '../../lib/aggregation.js';
import { deleteCounted } from '../../lib/deletion.js';
import { TrackingError } from '../../lib/errors.js';
import type { Point } from '../../lib/event.js';
import { Ingest } from '../../lib/ingest.js';
import type { QueueConsumer } from '../../lib/queue.js';
import { MILLISECOND } from '../../lib/time.js';
import { all, expectUnavailable, NOON, point, points } from '../contract/subject.js';
import { failureOf } from '../failure.js';
import { ReferenceStore } from '../reference.js';
import { OwnNatsServer } from '../servers/nats.js';
import { awayAt, Database, keepingConsumer, recordingConsumer, until } from './consumers.js';
import { besides, queuesForSuite } from './queues.js';

/** A server whose JetStream has a limit, such as `2M`. */
function startWithRoomFor(limit: string): Promise<OwnNatsServer> {
  const account = `accounts { A { jetstream: { max_file: ${limit} }, users: [{ user: a, password: a }] } }`;
  return OwnNatsServer.start({ configuration: `${account}\nno_auth_user: a` });
}

describe('the queue in NATS', () => {
  const { server, open, openAt } = queuesForSuite();

  it('hands over every point as it was published, whatever its identity and its names', async () => {
    const queue = await open();
    const given: Point[] = [
      point({
        namespace: 'Größe "x"\\',
        name: '😀 ',
        tags: { host: ' a,=', Host: '\u2028' },
        value: -0.1,
        time: NOON + 1n,
      }),
      point({ namespace: 'b', time: -1n, id: 'an id' }),
      point({ namespace: 'c', sample: true, value: 1e-300 }),
      { ...point({ namespace: 'd' }), identity: { kind: 'id', fingerprint: -7n, placed: true } },
    ];
    const database = new Database();
    queue.feed(keepingConsumer(database));
    await queue.publish(given);
    await until(() => database.places.size === given.length);
    expect([...database.places.values()]).to.have.deep.members(given);
  });

  it('takes a request of several MiB in one piece', async () => {
    const queue = await open();
    const given = points(20_000, (index) => ({
      namespace: `n${String(index % 40)}`,
      value: index,
      tags: { long: 'x'.repeat(100), own: String(index) },
    }));
    const database = new Database();
    queue.feed(recordingConsumer(database));
    await queue.publish(given);
    await until(() => database.places.size >= given.length);
    expect(database.sorted).to.deep.equal(given.map(({ value }) => value));
  });

  it('keeps the order of a namespace', async () => {
    const queue = await open();
    const database = new Database();
    queue.feed(keepingConsumer(database));
    for (let request = 0; request < 50; request++) {
      await queue.publish(points(10, (index) => ({ namespace: 'one', value: request * 10 + index })));
    }
    await until(() => database.places.size === 500);
    expect(database.values).to.deep.equal(Array.from({ length: 500 }, (_, index) => index));
  });

  it('feeds a store that honours deliveries', async () => {
    const [queue, store] = [await open(), new ReferenceStore()];
    queue.feed({
      write: (given, delivery) => store.write(given, delivery),
      delete: (selection) => store.delete(selection),
    });
    await queue.publish(points(10, (value) => ({ namespace: 'n', value })));
    await until(async () => (await store.namespaces()).length === 1);
    expect(await queue.delete(all('n'))).to.equal(10);
  });

  it('deletes in line: what was published before, and nothing that comes after', async () => {
    const stream = server().freshStream();
    const queue = await open({ stream });
    const database = new Database();
    await queue.publish(points(7, (value) => ({ namespace: 'n', value })));
    const deleted = queue.delete(all('n'));
    await besides(server().url, (jsm) => until(async () => (await jsm.streams.info(stream)).state.messages === 2));
    await queue.publish(points(3, (value) => ({ namespace: 'n', value: 100 + value })));
    queue.feed(recordingConsumer(database));
    expect(await deleted).to.equal(7);
    await until(() => database.places.size === 3);
    expect(database.sorted).to.deep.equal([100, 101, 102]);
  });

  it('counts what a deletion is about once, over all its tries and over readers that die', async () => {
    const stream = server().freshStream();
    const [asker, first, store] = [await open({ stream }), await open({ stream }), new HalfDeletingStore()];
    const consumer = (fails: boolean): QueueConsumer => ({
      write: (given, delivery) => store.write(given, delivery),
      delete: (selection, progress, assertHeld) => {
        store.fails = fails || !store.failed;
        return deleteCounted(store, selection, progress, assertHeld);
      },
    });
    first.feed(consumer(true));
    await asker.publish(
      points(10, (value) => ({ namespace: 'n', value, time: NOON + BigInt(value % 2) * MILLISECOND })),
    );
    await until(async () => (await store.namespaces()).length === 1);
    const deleted = asker.delete(all('n'));
    await until(() => store.failed);
    await first.close();
    asker.feed(consumer(false));
    expect(await deleted).to.equal(10);
    expect(await store.namespaces()).to.deep.equal([]);
  });

  it('answers a deletion that the store refuses for good, and goes on', async () => {
    const queue = await open();
    const database = new Database();
    queue.feed({
      ...recordingConsumer(database),
      delete: () => Promise.reject(new TrackingError('unprocessable', 'never')),
    });
    expect(await failureOf(queue.delete(all('n')))).to.have.property('code', 'unprocessable');
    await queue.publish([point({ namespace: 'n' })]);
    await until(() => database.places.size === 1);
  });

  it('tries a delivery again until the store takes it, with what was recorded', async () => {
    const queue = await open();
    const database = new Database();
    const { fate, isBack } = awayAt('in mid-write', 3);
    queue.feed(recordingConsumer(database, { fate }));
    await queue.publish(points(100, (value) => ({ namespace: 'n', value })));
    await until(() => database.places.size >= 100 && isBack());
    database.expectFirst(100);
  });

  it('says how much waits, and since when', async () => {
    const queue = await open();
    expect(await queue.lag()).to.deep.equal({ events: 0, seconds: 0 });
    for (let request = 0; request < 3; request++) {
      await queue.publish(points(500, (index) => ({ namespace: `n${String(index % 20)}` })));
    }
    const waiting = await queue.lag();
    expect(waiting.events).to.equal(1500);
    expect(waiting.seconds).to.be.greaterThan(0);
    expect(await queue.check()).to.match(/^1500 event\(s\) wait for the store, the oldest for [\d.]+ s\./);
    queue.feed(recordingConsumer(new Database()));
    await until(async () => (await queue.lag()).events === 0);
  });

  it('comes close to the number where very much waits, in messages of all sizes', async () => {
    const queue = await open();
    for (let request = 0; request < 200; request++) await queue.publish([point({ namespace: 'n' })]);
    const large = points(20_000, () => ({ namespace: 'n' }));
    for (let request = 0; request < 10; request++) await queue.publish(large);
    expect((await queue.lag()).events).to.be.within(150_000, 250_000);
  });

  it('tells whether what was queued by a moment is in the store, whatever is queued behind it', async () => {
    const queue = await open();
    expect(await (await queue.horizon())()).to.equal(true);
    await queue.publish([point({ namespace: 'before' })]);
    await queue.publish([point({ namespace: 'before' })]);
    const isReached = await queue.horizon();
    await queue.publish([point({ namespace: 'behind', value: 2 })]);
    expect(await isReached()).to.equal(false);
    let free = (): void => undefined;
    const held = new Promise<void>((resolve) => (free = resolve));
    queue.feed({
      write: async (given) => {
        if (given.some(({ value }) => value === 2)) await held;
        return [];
      },
      delete: () => Promise.resolve(0),
    });
    await until(isReached);
    expect(await (await queue.horizon())()).to.equal(false);
    free();
  });

  it('says it for what another instance consumes too', async () => {
    const stream = server().freshStream();
    const [one, other] = [await open({ stream }), await open({ stream })];
    other.feed(recordingConsumer(new Database(), { fate: () => new Promise(() => undefined) }));
    await one.publish(points(10, () => ({ namespace: 'n' })));
    expect((await one.lag()).events).to.equal(10);
  });

  it('refuses while there is no NATS, says so, and works as soon as there is one', async function () {
    this.timeout('1m');
    const own = await OwnNatsServer.start();
    await own.stop();
    const queue = openAt({ url: own.url });
    const database = new Database();
    queue.feed(recordingConsumer(database));
    await expectUnavailable(() => queue.publish([point({ namespace: 'n' })]));
    await until(async () => (await queue.check().then(String, String)).endsWith('NATS cannot be reached.'));
    await own.restart();
    await queue.established(20_000);
    await queue.publish([point({ namespace: 'n' })]);
    await until(() => database.places.size === 1);
    await queue.close();
    await own.stop();
  });

  it('says what to do about a NATS without JetStream', async function () {
    this.timeout('1m');
    const own = await OwnNatsServer.start({ jetStream: false });
    const queue = openAt({ url: own.url });
    await until(async () => (await queue.check().then(String, String)).includes('start it with -js'));
    await expectUnavailable(() => queue.publish([point({ namespace: 'n' })]));
    await queue.close();
    await own.stop();
  });

  it('refuses what its messages are too small for to whoever sent it, and to nobody beside him', async function () {
    this.timeout('1m');
    const own = await OwnNatsServer.start({ configuration: 'max_payload: 1280' });
    const queue = await open({ url: own.url });
    const database = new Database();
    queue.feed(recordingConsumer(database));
    const publish = (batch: readonly Point[]) => queue.publish(batch).then(() => []);
    const ingest = new Ingest(publish, { maxWaiting: 100_000, maxBatch: 50_000, timeout: 30_000 });
    const large = point({ namespace: 'a', tags: { long: 'x'.repeat(1500) } });
    // Each fits into the messages that NATS takes at once, and all of them do not.
    const many = [0, 1, 2].map((part) => points(4000, (index) => ({ namespace: 'a', value: part * 4000 + index })));
    const accepted = many.map((some) => ingest.accept(some));
    const refused = await failureOf(ingest.accept([large]));
    expect(refused.code).to.equal('too-large');
    expect(refused.message).to.match(/^An event does not fit .* Nothing of this request was stored\.$/);
    await Promise.all(accepted);
    await until(() => database.places.size >= 12_000);
    expect(database.sorted).to.deep.equal(Array.from({ length: 12_000 }, (_, value) => value));
    await queue.close();
    await own.stop();
  });

  it('refuses what a full stream has no room for, and drops nothing', async () => {
    const stream = server().freshStream();
    const queue = await open({ stream });
    await besides(server().url, async (jsm) => {
      const { config } = await jsm.streams.info(stream);
      await jsm.streams.update(stream, { ...config, max_bytes: 100_000 });
    });
    let taken = 0;
    const failure = await (async () => {
      for (;;) {
        try {
          await queue.publish(
            points(100, (value) => ({ namespace: `n${String(value % 9)}`, value: taken * 100 + value })),
          );
          taken++;
        } catch (error) {
          return String(error);
        }
      }
    })();
    expect(failure).to.match(/NATS has no room: maximum bytes exceeded/);
    expect(await queue.check().then(String, String)).to.match(/NATS has no room/);
    const large = { ...all('n1'), tags: { host: Array.from({ length: 2000 }, String) } };
    expect(await queue.delete(large).then(String, String)).to.match(/NATS has no room.* Nothing was deleted\.$/);
    const database = new Database();
    queue.feed(recordingConsumer(database));
    await until(() => database.places.size >= taken * 100);
    database.expectFirst(taken * 100);
  });

  it('goes on by itself where NATS has reached its own limit, also under those who publish on', async function () {
    this.timeout('2m');
    const own = await startWithRoomFor('2M');
    const queue = openAt({ url: own.url });
    await queue.established(20_000);
    const database = new Database();
    let openGate = (): void => undefined;
    const opened = new Promise<void>((resolve) => (openGate = resolve));
    queue.feed(recordingConsumer(database, { fate: () => opened }));
    let taken = 0;
    const refusalOfNext = async (): Promise<string | undefined> => {
      try {
        await queue.publish(points(500, (value) => ({ namespace: `n${taken % 9}`, value: taken * 500 + value })));
        taken++;
        return undefined;
      } catch (error) {
        return String(error);
      }
    };
    let refusal: string | undefined;
    while (refusal === undefined) refusal = await refusalOfNext();
    expect(refusal).to.match(/NATS has no room: .* Nothing of this request was stored\.$/);
    expect(await queue.check().then(String, String)).to.match(/NATS has no room/);
    const before = taken;
    const publishing = (async () => {
      while (taken < 2 * before) if ((await refusalOfNext()) !== undefined) await setTimeout(20);
    })();
    await setTimeout(500);
    openGate();
    await publishing;
    await until(() => database.places.size >= taken * 500);
    database.expectFirst(taken * 500);
    await until(async () => !(await queue.check().then(String, String)).includes('NATS has no room'));
    await queue.close();
    await own.stop();
  });

  it('says that nothing goes on where NATS has no room even for the positions, and goes on once there is some', async function () {
    this.timeout('1m');
    const own = await startWithRoomFor('200K');
    const other = server().freshStream();
    await besides(own.url, async (jsm) => {
      await jsm.streams.add({ name: other, subjects: [`${other}.*`], storage: 'file' });
    });
    const queue = openAt({ url: own.url });
    await queue.established(20_000);
    const database = new Database();
    queue.feed(recordingConsumer(database));
    await queue.publish(points(100, (value) => ({ namespace: 'A', value })));
    await until(() => database.places.size >= 100);
    await besides(own.url, async (jsm) => {
      const isTaken = (size: number): Promise<boolean> =>
        jsm
          .jetstream()
          .publish(`${other}.fill`, new Uint8Array(size))
          .then(
            () => true,
            () => false,
          );
      const fill = async (): Promise<void> => {
        for (let size = 50_000; size >= 1; size = Math.floor(size / 2)) while (await isTaken(size));
      };
      // The reserve lasts for a while.
      await until(async () => {
        await fill();
        return (await queue.check().then(String, String)).includes('nothing goes from the queue');
      });
    });
    await besides(own.url, (jsm) => jsm.streams.purge(other));
    await until(async () => !(await queue.check().then(String, String)).includes('NATS has no room'));
    await queue.publish(points(100, (value) => ({ namespace: 'A', value: value + 100 })));
    await until(() => database.places.size >= 200);
    database.expectFirst(200);
    await queue.close();
    await own.stop();
  });

  it('keeps nothing in the stream that is in the store', async () => {
    const stream = server().freshStream();
    const queue = await open({ stream });
    queue.feed(recordingConsumer(new Database()));
    await queue.publish(points(100, (index) => ({ namespace: `n${String(index)}` })));
    await besides(server().url, (jsm) => until(async () => (await jsm.streams.info(stream)).state.messages === 0));
    expect((await queue.lag()).events).to.equal(0);
  });

  it('brings a stream to its settings, and refuses one that cannot be brought to them', async () => {
    const [updated, refused] = [server().freshStream(), server().freshStream()];
    await besides(server().url, async (jsm) => {
      await jsm.streams.add({ name: updated, subjects: [`${updated}.events.*`], storage: 'file' });
      await jsm.streams.add({ name: refused, subjects: [`${refused}.events.*`], storage: 'memory' });
      await open({ stream: updated });
      const { config } = await jsm.streams.info(updated);
      expect(config).to.include({ allow_atomic: true, allow_direct: true, discard: 'new' });
    });
    const queue = openAt({ url: server().url, stream: refused });
    await until(async () =>
      (await queue.check().then(String, String)).includes('has storage "memory" and needs "file"'),
    );
  });

  it('says whether a power cut would lose what NATS has acknowledged, or that it does not know', async function () {
    this.timeout('1m');
    const own = await OwnNatsServer.start({ syncAlways: false });
    const unsafe = openAt({ url: own.url, monitorUrl: own.monitorUrl });
    await unsafe.established(20_000);
    expect(await unsafe.check()).to.match(/would lose acknowledged events in a power cut: set sync_interval: always/);
    const unknown = openAt({ url: own.url });
    await unknown.established(20_000);
    expect(await unknown.check()).to.match(/is not known: set NATS_MONITOR_URL/);
    await Promise.all([unsafe.close(), unknown.close()]);
    await own.stop();
    const { monitorUrl } = server();
    if (monitorUrl !== null) expect(await (await open({ monitorUrl })).check()).to.equal(undefined);
  });
});

/** Deletes a part at the first try, and says that it failed. */
class HalfDeletingStore extends ReferenceStore {
  fails = true;
  failed = false;

  override async delete(selection: Selection): Promise<number> {
    if (!this.fails) return super.delete(selection);
    if (!this.failed) await super.delete({ ...selection, tsMax: NOON + MILLISECOND });
    this.failed = true;
    throw new TrackingError('unavailable', 'only a part was deleted');
  }
}
