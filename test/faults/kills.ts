import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { ServiceProcess } from '../servers/service.js';
import { Load } from './load.js';

/** How often a suite breaks things: a few times in `npm test`, as often as `npm run faults` says there. */
export const CYCLES = Number(process.env.TRACKING_FAULTS ?? 3);

/** Milliseconds under load before a kill: from the middle of the start of the load to well under way. */
const LEAST = 20;
const MOST = 700;

/** Kills the service under load with SIGKILL, again and again, and then counts. */
export async function killUnderLoad(settings: Readonly<Record<string, string>>): Promise<void> {
  const service = await ServiceProcess.start(settings);
  const load = new Load(service);
  const token = await service.token();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const running = load.run(token);
    await setTimeout(LEAST + Math.random() * (MOST - LEAST));
    await service.kill();
    load.stop();
    await running;
    await service.restart();
  }
  await load.settle(token);
  const mistakes = await load.findMistakes(token);
  console.log(`      ${CYCLES} kills, ${load.size} events acknowledged`);
  await service.stop();
  expect(mistakes).to.deep.equal([]);
  expect(load.size).to.be.greaterThan(CYCLES);
}
