import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { CountingClient } from './counting.js';
import { formatCount, report, Tally, verdict } from './figures.js';
import { lengthOf } from './length.js';
import { between, oneOf } from './random.js';
import { type SetupName, SETUPS } from './setups.js';
import { caughtUp } from './stored.js';

const KILLS = lengthOf({ full: 100, short: 4 });
export const TIMEOUT = 120_000 + KILLS * 60_000;
const CLIENTS = 3;

/** Kills whatever a set-up has while programs export what they count, and then compares every increase. */
export async function killWhileCounting(name: SetupName): Promise<void> {
  const setup = await SETUPS[name]();
  const { service } = setup;
  const clients = Array.from({ length: CLIENTS }, (_, index) => new CountingClient(service, `client-${index}`));
  const running = Promise.all(clients.map((client) => client.run()));
  const tally = new Tally();
  for (let kill = 0; kill < KILLS; kill++) {
    await setTimeout(between(200, 1500));
    // Of the service the first, so that a short round has one.
    const [program, part] = kill === 0 ? (['service', service] as const) : oneOf(Object.entries(setup.parts));
    await part.kill();
    await setTimeout(between(0, 500));
    part.launchAgain();
    await part.ready();
    tally.add(program);
  }
  await setTimeout(1000);
  for (const client of clients) client.stop();
  await running;
  await caughtUp(service);
  const mistakes = (await Promise.all(clients.map((client) => client.findMistakes()))).flat();
  const acknowledged = clients.reduce((sum, client) => sum + client.acknowledged, 0);
  report(
    `${KILLS} kills on ${name} (${tally.toString()}), ${formatCount(acknowledged)} counts acknowledged: ${verdict(mistakes)}`,
  );
  await setup.stop();
  expect(mistakes).to.deep.equal([]);
  expect(acknowledged).to.be.greaterThan(KILLS);
}
