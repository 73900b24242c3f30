import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { formatCount, report, Tally, verdict } from './figures.js';
import { lengthOf } from './length.js';
import { Load } from './load.js';
import { between } from './random.js';
import { type SetupName, SETUPS } from './setups.js';

export const STOPS = lengthOf({ full: 200, short: 4 });
export const TIMEOUT = 120_000 + STOPS * 60_000;

/** Stops the service under load as an operator would, again and again, and looks at every answer. */
export async function stopUnderLoad(name: SetupName): Promise<void> {
  const setup = await SETUPS[name]();
  const { service } = setup;
  const load = new Load(service);
  const codes = new Tally();
  for (let stop = 0; stop < STOPS; stop++) {
    const running = load.run(await service.token());
    await setTimeout(between(20, 700));
    codes.add(`exit ${String(await service.stop())}`);
    load.stop();
    await running;
    await service.restart();
  }
  const token = await service.token();
  await load.settle(token);
  const mistakes = await load.findMistakes(token);
  const broken = new Tally(load.broken);
  report(
    `${STOPS} stops on ${name} (${codes.toString()}), ${formatCount(load.book.size)} events acknowledged: ` +
      `${verdict(mistakes)}, ${load.broken.length} requests without an answer ${broken.toString()}`,
  );
  await setup.stop();
  expect(mistakes).to.deep.equal([]);
  expect(load.broken).to.deep.equal([]);
  expect(codes.toString()).to.equal(`${STOPS} exit 0`);
}
