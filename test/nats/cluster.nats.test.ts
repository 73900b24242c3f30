import { expect } from 'chai';
import { points } from '../contract/subject.js';
import { OwnNatsServer } from '../servers/nats.js';
import { Acknowledged } from './acknowledged.js';
import { Database, recordingConsumer } from './consumers.js';
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
    const acknowledged = new Acknowledged(queue);
    let sent = 0;
    const publish = async (): Promise<void> => {
      const batch = points(10, (index) => ({ namespace: `n${String(sent % 4)}`, value: sent + index }));
      sent += 10;
      await acknowledged.publish(batch);
    };
    for (const killed of servers) {
      const before = acknowledged.count;
      while (acknowledged.count < before + 200) await publish();
      await killed.kill();
      while (acknowledged.count < before + 400) await publish();
      await killed.restart();
    }
    await acknowledged.expectOnceIn(database);
    await queue.close();
    await Promise.all(servers.map((one) => one.stop()));
  });
});
