import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import type { OwnServer } from '../servers/own-server.js';
import { Ballast } from './ballast.js';
import { killAtCheckpoint } from './checkpoint.js';
import { formatCount, report, Tally, verdict } from './figures.js';
import { lengthOf } from './length.js';
import { Load } from './load.js';
import { between, oneOf } from './random.js';
import { type Setup, type SetupName, SETUPS } from './setups.js';

export const KILLS = lengthOf({ full: 300, short: 4 });
export const TIMEOUT = 120_000 + KILLS * 60_000;

/** Milliseconds under load before a kill: from the middle of the start of the load to well under way. */
const LEAST = 20;
const MOST = 700;
/** Milliseconds after its launch at which a process is killed again: Node.js and the database are loading. */
const MOST_OF_START = 300;
/** Milliseconds from the order to stop to the kill: the last answers, or the last checkpoint, are under way. */
const MOST_OF_STOP = 120;

type Moment = 'under load' | 'at start' | 'at stop';

/** Kills whatever a set-up has under load with SIGKILL, again and again, starts it again, and then counts. */
export async function killUnderLoad(name: SetupName): Promise<void> {
  const setup = await SETUPS[name]();
  const { service } = setup;
  const load = new Load(service);
  const tally = new Tally();
  for (let kill = 0; kill < KILLS; kill++) {
    const running = load.run(await service.token());
    await setTimeout(between(LEAST, MOST));
    const [program, part] = oneOf(Object.entries(setup.parts));
    const moment: Moment =
      program === 'service' ? oneOf(['under load', 'at start', 'at stop']) : oneOf(['under load', 'at start']);
    await killAt(moment, part, setup);
    await setTimeout(between(0, MOST));
    if (!part.running) part.launchAgain();
    await part.ready();
    load.stop();
    await running;
    tally.add(`${program} ${moment}`);
  }
  await conclude(`${KILLS} kills on ${name}`, setup, load, tally);
}

/** Kills the embedded store in the middle of its checkpoints, and then counts. */
export async function killAtCheckpoints(kills: number): Promise<void> {
  const setup = await SETUPS.embedded();
  const { service } = setup;
  const [load, ballast, tally] = [new Load(service, 2), new Ballast(service), new Tally()];
  for (let kill = 0; kill < kills; kill++) {
    const token = await service.token();
    const running = load.run(token);
    tally.add((await killAtCheckpoint(service, ballast, token)) ? 'in a checkpoint' : 'behind one');
    load.stop();
    await running;
    await service.restart();
    await ballast.settle(token);
  }
  await conclude(`${kills} kills at checkpoints`, setup, load, tally, ballast);
}

async function killAt(moment: Moment, part: OwnServer, { service }: Setup): Promise<void> {
  if (moment === 'at stop') {
    const stopped = service.stop();
    await setTimeout(between(0, MOST_OF_STOP));
    await service.kill();
    await stopped;
    return;
  }
  await part.kill();
  if (moment === 'under load') return;
  part.launchAgain();
  await setTimeout(between(0, MOST_OF_START));
  await part.kill();
}

async function conclude(title: string, setup: Setup, load: Load, tally: Tally, ballast?: Ballast): Promise<void> {
  const token = await setup.service.token();
  await load.settle(token);
  const mistakes = [...(await load.findMistakes(token)), ...((await ballast?.findMistakes(token)) ?? [])];
  const acknowledged = load.book.size + (ballast?.size ?? 0);
  report(`${title} (${tally.toString()}), ${formatCount(acknowledged)} events acknowledged: ${verdict(mistakes)}`);
  await setup.stop();
  expect(mistakes).to.deep.equal([]);
  expect(acknowledged).to.be.greaterThan(KILLS);
}
