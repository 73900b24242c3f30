import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { NatsQueue } from '../../lib/nats/queue.js';
import type { QueueConsumer } from '../../lib/queue.js';
import { points } from '../contract/subject.js';
import { OwnNatsServer } from '../servers/nats.js';
import { Acknowledged } from './acknowledged.js';
import {
  type ConsumerOptions,
  Database,
  keepingConsumer,
  recordingConsumer,
  type Step,
  STEPS,
  until,
} from './consumers.js';
import { besides, queuesForSuite } from './queues.js';
import { Wire } from './wire.js';

describe('what a process leaves behind that dies', () => {
  const { server, open } = queuesForSuite();
  const consumers = { 'records its plan': recordingConsumer, 'keeps the sequence with its rows': keepingConsumer };

  for (const [kind, consumer] of Object.entries(consumers)) {
    it(`counts once in a store that ${kind}, whatever the step, also when it was only paused`, async function () {
      this.timeout('2m');
      await Promise.all(STEPS.map((step) => dieAndComeBack(step, consumer)));
    });
  }

  async function dieAndComeBack(step: Step, consumer: typeof recordingConsumer): Promise<void> {
    const [stream, database] = [server().freshStream(), new Database()];
    const wire = await Wire.to(server().url);
    const [first, publisher] = [await open({ stream, url: wire.url }), await open({ stream })];
    let published = 0;
    const publish = async (count: number): Promise<void> => {
      const from = published;
      published += count;
      await publisher.publish(points(count, (index) => ({ namespace: 'n', value: from + index })));
    };
    const expectAll = async (): Promise<void> => {
      await until(() => database.places.size >= published);
      database.expectFirst(published, step);
    };

    const death = deathAt(step, () => {
      wire.cut();
    });
    first.feed(consumer(database, { fate: death.fate }));
    await publish(10);
    await expectAll();
    death.nears();
    for (let request = 0; request < 5; request++) await publish(20);
    await death.came;

    const second = await open({ stream });
    second.feed(consumer(database));
    await expectAll();
    wire.mend();
    death.wasAPause();
    await publish(20);
    await expectAll();
    await sleep(500);
    await publish(20);
    await expectAll();
    await first.close();
    await wire.close();
  }

  it('goes on without a message that an operator has removed from the delivery under way', async function () {
    this.timeout('1m');
    const [stream, database] = [server().freshStream(), new Database()];
    const wire = await Wire.to(server().url);
    const [first, second] = [await open({ stream, url: wire.url }), await open({ stream })];
    for (let request = 0; request < 5; request++) {
      await second.publish(points(20, (index) => ({ namespace: 'n', value: request * 20 + index })));
    }
    const death = deathAt('before the plan', () => {
      wire.cut();
    });
    death.nears();
    first.feed(recordingConsumer(database, { fate: death.fate }));
    await death.came;
    await besides(server().url, async (jsm) => {
      const { state } = await jsm.streams.info(stream);
      await jsm.streams.deleteMessage(stream, state.first_seq + 2);
    });
    second.feed(recordingConsumer(database));
    await until(() => database.places.size >= 80);
    expect(database.sorted).to.deep.equal(Array.from({ length: 80 }, (_, index) => (index < 40 ? index : index + 20)));
    death.wasAPause();
    await first.close();
    await wire.close();
  });

  it('leaves nothing to be repeated when it stops in order', async () => {
    const [stream, deliveries] = [server().freshStream(), [] as string[]];
    const consumer: QueueConsumer = {
      write: (_, { partition, sequence }) => {
        deliveries.push(`${partition} ${sequence}`);
        return Promise.resolve([]);
      },
      delete: () => Promise.resolve(0),
    };
    for (let instance = 1; instance <= 3; instance++) {
      const queue = await open({ stream });
      queue.feed(consumer);
      await queue.publish(points(4, (value) => ({ namespace: 'n', value })));
      await until(() => deliveries.length >= instance);
      await queue.close();
    }
    expect(new Set(deliveries)).to.have.property('size', deliveries.length);
  });

  it('is taken over at once from one that stops in order', async () => {
    const [stream, database] = [server().freshStream(), new Database()];
    const first = await open({ stream });
    first.feed(recordingConsumer(database));
    await first.publish(points(40, (value) => ({ namespace: `n${String(value)}`, value })));
    await until(() => database.places.size === 40);
    const second = await open({ stream });
    second.feed(recordingConsumer(database));
    await first.close();
    await second.publish(points(40, (value) => ({ namespace: `n${String(value)}`, value: 40 + value })));
    await until(() => database.places.size >= 80);
    database.expectFirst(80);
  });

  it('is taken over also by those to whom NATS is slow', async function () {
    this.timeout('1m');
    const [stream, database] = [server().freshStream(), new Database()];
    const [wire, slow] = [await Wire.to(server().url), await Wire.to(server().url, 300)];
    const [first, second] = [await open({ stream, url: wire.url }), await open({ stream, url: slow.url })];
    first.feed(recordingConsumer(database));
    await second.publish(points(10, (value) => ({ namespace: 'n', value })));
    await until(() => database.places.size === 10);
    wire.cut();
    second.feed(recordingConsumer(database));
    await second.publish(points(10, (value) => ({ namespace: 'n', value: 10 + value })));
    await until(() => database.places.size === 20);
    await second.close();
    await slow.close();
    await wire.close();
  });

  it('is no more than a share: instances that live divide the work, and nothing counts twice meanwhile', async function () {
    this.timeout('1m');
    const stream = server().freshStream();
    const database = new Database();
    const working = new Set<NatsQueue>();
    const start = async (): Promise<NatsQueue> => {
      const queue = await open({ stream });
      const fate = (): Promise<void> => {
        working.add(queue);
        return Promise.resolve();
      };
      queue.feed(recordingConsumer(database, { fate }));
      return queue;
    };
    const first = await start();
    await Promise.all([start(), start()]);
    let published = 0;
    for (; working.size < 3; published += 40) {
      const from = published;
      await first.publish(points(40, (index) => ({ namespace: `n${String(index)}`, value: from + index })));
      await sleep(20);
    }
    await until(() => database.places.size >= published);
    database.expectFirst(published);
  });

  it('is all that NATS has acknowledged, when NATS is killed under load', async function () {
    this.timeout('2m');
    const own = await OwnNatsServer.start();
    const queue = await open({ url: own.url });
    const database = new Database();
    queue.feed(recordingConsumer(database));
    const acknowledged = new Acknowledged(queue);
    let [sent, over] = [0, false];
    const load = async (size: number): Promise<void> => {
      while (!over) {
        const from = sent;
        sent += size;
        await acknowledged.publish(
          points(size, (index) => ({ namespace: `n${String(index % 7)}`, value: from + index })),
        );
      }
    };
    const loads = [1, 1, 30, 400].map(load);
    for (let kill = 0; kill < 4; kill++) {
      const before = acknowledged.count;
      await until(() => acknowledged.count > before + 1000);
      await own.kill();
      await own.restart();
    }
    over = true;
    await Promise.all(loads);
    await acknowledged.expectOnceIn(database);
    await queue.close();
    await own.stop();
  });
});

/** Holds the writer up at a step, from a certain moment on, and tells of it. */
function deathAt(step: Step, onDeath: () => void) {
  let near = false;
  const [came, tell] = promised();
  const [over, wake] = promised();
  const fate: ConsumerOptions['fate'] = async (reached) => {
    if (!near || reached !== step) return;
    near = false;
    onDeath();
    tell();
    await over;
  };
  const nears = (): void => {
    near = true;
  };
  return { fate, came, nears, wasAPause: wake };
}

function promised(): [promise: Promise<void>, resolve: () => void] {
  let settle = (): void => undefined;
  const promise = new Promise<void>((resolve) => (settle = resolve));
  return [promise, settle];
}
