import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Point } from '../../lib/event.js';
import { points } from '../contract/subject.js';
import { OwnNatsServer } from '../servers/nats.js';
import { Database, recordingConsumer, until } from './consumers.js';
import { queuesForSuite } from './queues.js';

describe('three servers of NATS', function () {
  this.timeout('3m');
  const { server, openAt } = queuesForSuite();

  it('keep three replicas, and lose and double nothing while each of them is killed in turn', async () => {
    const servers = await OwnNatsServer.startCluster(3);
    const queue = openAt({ url: servers.map(({ url }) => url).join(','), replicas: 3, stream: server().freshStream() });
    await queue.established(60_000);
    expect(await queue.check()).to.equal(undefined);
    const database = new Database();
    queue.feed(recordingConsumer(database));
    const acknowledged: number[] = [];
    let sent = 0;
    const publish = async (): Promise<void> => {
      const batch: Point[] = points(10, (index) => ({ namespace: `n${String(sent % 4)}`, value: sent + index }));
      sent += 10;
      const taken = await queue.publish(batch).then(
        () => true,
        () => sleep(10, false),
      );
      if (taken) acknowledged.push(...batch.map(({ value }) => value));
    };
    for (const killed of servers) {
      const before = acknowledged.length;
      while (acknowledged.length < before + 200) await publish();
      await killed.kill();
      while (acknowledged.length < before + 400) await publish();
      await killed.restart();
    }
    await until(async () => (await queue.lag().catch(() => ({ events: 1 }))).events === 0);
    const found = new Set(database.values);
    expect(database.values, 'doubled').to.have.length(found.size);
    expect(
      acknowledged.filter((value) => !found.has(value)),
      'lost',
    ).to.deep.equal([]);
    expect(queue.losses).to.equal(0);
    await queue.close();
    await Promise.all(servers.map((one) => one.stop()));
  });
});
