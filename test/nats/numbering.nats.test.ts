import { expect } from 'chai';
import type { NatsQueue } from '../../lib/nats/queue.js';
import { points } from '../contract/subject.js';
import { OwnNatsServer } from '../servers/nats.js';
import { Database, keepingConsumer, recordingConsumer, until } from './consumers.js';
import { besides, queuesForSuite } from './queues.js';

const CONSUMERS = { 'records its plan': recordingConsumer, 'keeps the sequence with its rows': keepingConsumer };

describe('what NATS loses', () => {
  const { server, open } = queuesForSuite();

  for (const [kind, consumer] of Object.entries(CONSUMERS)) {
    describe(`before a store that ${kind}`, () => {
      it('and had acknowledged is noticed, and nothing that comes after it is taken for what was read', async function () {
        this.timeout('1m');
        const own = await OwnNatsServer.start();
        const told: string[] = [];
        const queue = await open({ url: own.url, onLoss: (message) => told.push(message) });
        const flow = new Flow(queue, (database) => consumer(database));
        await flow.bring(100);
        await own.stop();
        const putBack = await own.copyData();
        await own.restart();
        await flow.bring(200);
        await own.kill();
        await putBack();
        await own.restart();
        await flow.bring(50);
        flow.expectEachOnce();
        expect(told).to.have.length(1);
        expect(told[0]).to.match(/^The queue has lost messages \d+ to \d+, and perhaps more/);
        expect(await queue.check()).to.include(told[0]);
        expect(queue.losses).to.equal(1);
        await queue.close();
        await own.stop();
      });

      it('is noticed by those who published it where no reader is left', async function () {
        this.timeout('1m');
        const own = await OwnNatsServer.start();
        const stream = server().freshStream();
        const [publisher, first] = [await open({ url: own.url, stream }), await open({ url: own.url, stream })];
        const flow = new Flow(publisher, (database) => consumer(database), first);
        await flow.bring(100);
        await own.stop();
        const putBack = await own.copyData();
        await own.restart();
        await flow.bring(200);
        await first.close();
        await own.kill();
        await putBack();
        await own.restart();
        (await open({ url: own.url, stream })).feed(consumer(flow.database));
        await flow.bring(50);
        flow.expectEachOnce();
        expect(publisher.losses).to.equal(1);
        await publisher.close();
        await own.stop();
      });

      for (const [how, replace] of Object.entries({
        'and is missed until we make it again': async (stream: string) => {
          await besides(server().url, (jsm) => jsm.streams.delete(stream));
        },
        'and is made again by somebody else, who counts from 1': async (stream: string) => {
          await besides(server().url, async (jsm) => {
            const { config } = await jsm.streams.info(stream);
            await jsm.streams.delete(stream);
            await jsm.streams.add({ ...config, first_seq: 0 });
          });
        },
      })) {
        it(`as a stream that is deleted under a living reader ${how}, is said and hides nothing of the next`, async function () {
          this.timeout('1m');
          const [stream, told] = [server().freshStream(), [] as string[]];
          const queue = await open({ stream, onLoss: (message) => told.push(message) });
          const flow = new Flow(queue, (database) => consumer(database));
          await flow.bring(100);
          await replace(stream);
          await until(() => told.length > 0);
          await flow.bring(30);
          await flow.bring(300);
          flow.expectEachOnce();
          expect(told.join()).to.match(/^The stream of the queue was made anew/);
          expect(await queue.check()).to.include(told[0]);
        });
      }

      it('as the bucket of positions is written again by the readers that live, and nothing counts twice', async function () {
        this.timeout('1m');
        const [stream, told] = [server().freshStream(), [] as string[]];
        const queue = await open({ stream, onLoss: (message) => told.push(message) });
        const flow = new Flow(queue, (database) => consumer(database));
        await flow.bring(100);
        await besides(server().url, (jsm) => jsm.streams.delete(`KV_${stream}-writers`));
        await flow.bring(100);
        await until(() => told.length > 0);
        await flow.bring(100);
        const other = await open({ stream });
        other.feed(consumer(flow.database));
        await queue.close();
        flow.publisher = other;
        await flow.bring(100);
        flow.expectEachOnce();
        expect(told.join()).to.match(/^The queue has lost how far it was read/);
      });

      it('as the bucket of positions is said also by whoever starts without having known it', async function () {
        this.timeout('1m');
        const [stream, told] = [server().freshStream(), [] as string[]];
        const queue = await open({ stream });
        const flow = new Flow(queue, (database) => consumer(database));
        await flow.bring(100);
        await queue.close();
        await besides(server().url, (jsm) => jsm.streams.delete(`KV_${stream}-writers`));
        const other = await open({ stream, onLoss: (message) => told.push(message) });
        expect(told.join()).to.match(/^The queue has lost how far it was read/);
        expect(other.losses).to.equal(1);
      });

      it('as the bucket of positions after an orderly stop has nothing to be read again', async function () {
        this.timeout('1m');
        const stream = server().freshStream();
        const queue = await open({ stream });
        const flow = new Flow(queue, (database) => consumer(database));
        await flow.bring(100);
        await queue.close();
        await besides(server().url, (jsm) => jsm.streams.delete(`KV_${stream}-writers`));
        flow.publisher = await open({ stream });
        flow.publisher.feed(consumer(flow.database));
        await flow.bring(100);
        flow.expectEachOnce();
      });
    });
  }
});

/** Numbered points on their way through a queue into a database. */
class Flow {
  readonly database = new Database();
  private published = 0;

  constructor(
    public publisher: NatsQueue,
    consumer: (database: Database) => ReturnType<typeof recordingConsumer>,
    reader = publisher,
  ) {
    reader.feed(consumer(this.database));
  }

  /** Publishes so many in messages of ten and in several partitions, each until it is acknowledged, and awaits them all. */
  async bring(count: number): Promise<void> {
    for (let sent = 0; sent < count; sent += 10) {
      const batch = points(10, (index) => ({ namespace: `n${String(sent % 4)}`, value: this.published + index }));
      await until(() =>
        this.publisher.publish(batch).then(
          () => true,
          () => false,
        ),
      );
      this.published += 10;
    }
    await until(() => this.database.places.size >= this.published);
  }

  expectEachOnce(): void {
    this.database.expectFirst(this.published);
  }
}
