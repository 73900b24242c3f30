import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { ServiceProcess } from '../servers/service.js';
import { StoreFiles } from './checkpoint.js';
import { formatCount, report, verdict } from './figures.js';
import { lengthOf } from './length.js';
import { Load } from './load.js';
import { between } from './random.js';
import { failSyncs } from './trace.js';

const ROUNDS = lengthOf({ full: 20, short: 2 });

describe('A disk that turns read-only between the write and the sync of a commit', function () {
  this.timeout(60_000 + ROUNDS * 60_000);

  // DuckDB cannot cut its log back then, and ends the process rather than answer for what may be there or not.
  it('ends the process, and costs nothing that was acknowledged: started on a disk it can write to, it goes on', async () => {
    const service = await ServiceProcess.start();
    const load = new Load(service);
    const { log } = new StoreFiles(service);
    for (let round = 0; round < ROUNDS; round++) {
      const running = load.run(await service.token());
      await setTimeout(between(20, 700));
      await failSyncs(service.pid, log, 'EROFS');
      await service.ended;
      load.stop();
      await running;
      expect(service.log).to.contain('Read-only file system');
      await service.restart();
    }
    const token = await service.token();
    await load.settle(token);
    const mistakes = await load.findMistakes(token);
    report(`${ROUNDS} times, ${formatCount(load.book.size)} events acknowledged: ${verdict(mistakes)}`);
    await service.stop();
    expect(mistakes).to.deep.equal([]);
  });
});
