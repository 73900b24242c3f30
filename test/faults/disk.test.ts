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
const MEGABYTE = 1_000_000;
const DISK_MEGABYTES = 400;
/** The log comes so near to a checkpoint before the disk is filled that what is left will do for it. */
const BEFORE_CHECKPOINT = 0.3 * MEGABYTE;

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
      const atCheckpoint = round % 2 === 1;
      if (atCheckpoint) {
        await files.fillLog(ballast, token, BEFORE_CHECKPOINT);
        disk.fill(Math.round(between(0.5, 2) * MEGABYTE));
      }
      const running = load.run(token);
      if (!atCheckpoint) {
        await setTimeout(between(20, 700));
        disk.fill();
      }
      while (await ballast.send(token));
      expect(ballast.refusal).to.contain('The disk of the database is full');
      await windowsOf(service, 'ballast?granularity=all&aggregationType=count', token);
      // A log that is longer than this is one that no checkpoint could move.
      const met = files.logSize >= LOG_LIMIT ? 'at a checkpoint' : 'in the log';
      expect(met).to.equal(atCheckpoint ? 'at a checkpoint' : 'in the log');
      tally.add(met);
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
