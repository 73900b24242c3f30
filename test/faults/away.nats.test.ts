import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { formatCount, report, verdict } from './figures.js';
import { lengthOf } from './length.js';
import { Load } from './load.js';
import { Memory, residentOf } from './memory.js';
import { type Setup, SETUPS } from './setups.js';
import { caughtUp } from './stored.js';

const SECONDS = lengthOf({ full: 600, short: 4 });
const WARM_SECONDS = lengthOf({ full: 30, short: 2 });
/** Events a second. */
const RATE = 2000;

describe('InfluxDB away, behind the queue', function () {
  this.timeout(300_000 + SECONDS * 3000);
  let setup: Setup;
  beforeEach(async () => {
    setup = await SETUPS.nats();
  });
  afterEach(() => setup.stop());

  it('holds up nobody: all is accepted, and there exactly once when it is back', async () => {
    const load = await outage(setup, () => setTimeout(SECONDS * 1000));
    expect(load.book.denials.toString()).to.equal('');
    expect(load.broken).to.deep.equal([]);
  });

  it('and NATS killed meanwhile: all that was accepted is there exactly once when both are back', async () => {
    const nats = setup.parts['nats-server'];
    await outage(setup, async () => {
      await setTimeout(SECONDS * 500);
      await nats?.kill();
      await setTimeout(500);
      await nats?.restart();
      await setTimeout(SECONDS * 500);
    });
  });
});

/** Sends at a steady rate while InfluxDB is away, sees what comes of it when it is back, and prints the figures. */
async function outage({ service, parts }: Setup, wait: () => Promise<void>): Promise<Load> {
  const load = new Load(service);
  const token = await service.token();
  const warming = load.runAt(RATE, token);
  await setTimeout(WARM_SECONDS * 1000);
  load.stop();
  await warming;
  await caughtUp(service);

  const [before, known, memory] = [residentOf(service.pid), load.book.size, new Memory(service)];
  await parts.influxd?.kill();
  const sending = load.runAt(RATE, token);
  await wait();
  load.stop();
  await sending;
  await load.settle(token);
  const waiting = load.book.size - known;
  await parts.influxd?.restart();
  const begun = performance.now();
  await caughtUp(service);
  const seconds = (performance.now() - begun) / 1000;
  const most = memory.stop();

  const mistakes = await load.findMistakes(token);
  report(
    `InfluxDB away for ${SECONDS} s: ${formatCount(waiting)} events accepted, ${verdict(mistakes)}, ` +
      `caught up in ${seconds.toFixed(1)} s: ${(waiting / seconds / RATE).toFixed(1)} times the rate of arrival, ` +
      `memory ${Math.round(most - before)} MiB above the ${Math.round(before)} before`,
  );
  expect(mistakes).to.deep.equal([]);
  expect(waiting).to.be.greaterThan(0);
  return load;
}
