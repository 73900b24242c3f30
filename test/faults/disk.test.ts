import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { ServiceProcess } from '../servers/service.js';
import { Ballast } from './ballast.js';
import { LOG_LIMIT, StoreFiles } from './checkpoint.js';
import { formatCount, report, Tally, verdict } from './figures.js';
import { lengthOf } from './length.js';
import { Load } from './load.js';
import { between } from './random.js';
import { SmallDisk } from './room.js';
import { windowsOf } from './stored.js';

const ROUNDS = lengthOf({ full: 20, short: 2 });
const DISK_MEGABYTES = 400;
/** Bytes that are left where the checkpoint is to meet the full disk: enough for what the log still takes until then. */
const LEFT = { least: 600_000, most: 2_000_000 };

describe('A disk that is full', function () {
  this.timeout(120_000 + ROUNDS * 120_000);

  it('costs nothing that was acknowledged, and the service writes again by itself once there is room', async () => {
    const disk = SmallDisk.mount(DISK_MEGABYTES);
    const service = await ServiceProcess.start({ DATA_DIR: disk.folder });
    const [load, ballast, tally] = [new Load(service, 4), new Ballast(service), new Tally()];
    const files = new StoreFiles(service);
    const token = await service.token();
    const { pid } = service;
    for (let round = 0; round < ROUNDS; round++) {
      const place = round % 2 === 1 ? 'at a checkpoint' : 'in the log';
      if (place === 'at a checkpoint') {
        await files.fillLog(ballast, token);
        disk.fill(Math.round(between(LEFT.least, LEFT.most)));
      }
      const running = load.run(token);
      if (place === 'in the log') {
        await setTimeout(between(20, 700));
        disk.fill();
      }
      while (await ballast.send(token));
      expect(ballast.refusal).to.contain('The disk of the database is full');
      await windowsOf(service, 'ballast?granularity=all&aggregationType=count', token);
      // A log that is longer than this is one that no checkpoint could move.
      expect(files.logSize >= LOG_LIMIT ? 'at a checkpoint' : 'in the log').to.equal(place);
      tally.add(place);
      disk.clear();
      await ballast.settle(token);
      load.stop();
      await running;
      expect(service.pid).to.equal(pid);
      expect(service.running).to.equal(true);
    }
    await load.settle(token);
    const mistakes = [...(await load.findMistakes(token)), ...(await ballast.findMistakes(token))];
    report(
      `${ROUNDS} times a full disk (${tally.toString()}), ${formatCount(load.book.size + ballast.size)} events ` +
        `acknowledged: ${verdict(mistakes)}; ${load.book.denials.toString()}`,
    );
    await service.stop();
    disk.unmount();
    expect(mistakes).to.deep.equal([]);
  });
});
