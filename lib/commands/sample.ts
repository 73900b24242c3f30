import { type Command, InvalidArgumentError } from 'commander';
import { toMilliseconds, now } from '../time.js';
import type { Point } from '../event.js';

interface SampleCommandOptions {
  readonly days: number;
  readonly hosts: number;
  readonly seed: number;
}

/** Adds `sample` to the command line: figures to look at before there are any of one's own. */
export function addSampleCommand(program: Command): void {
  program
    .command('sample')
    .description('store made-up figures of servers and a web shop, to look at; done again it adds only what is new')
    .option('--days <number>', 'how many days up to now', wholeNumber(1, 3660), 30)
    .option('--hosts <number>', 'how many servers', wholeNumber(0, 1000), 5)
    .option('--seed <number>', 'the same figures for the same number', wholeNumber(0, 2 ** 31 - 1), 1)
    .action(storeSample);
}

async function storeSample({ days, hosts, seed }: SampleCommandOptions): Promise<void> {
  const [{ readSettings }, { sampleMinutes }, { persistent, transfer }, { Progress, say }, stores] = await Promise.all([
    import('../config.js'),
    import('../sample-data.js'),
    import('../transfer.js'),
    import('../terminal/progress.js'),
    import('./store.js'),
  ]);
  const to = Math.floor(toMilliseconds(now()) / 60_000);
  const from = to - days * 1440;
  const signal = stores.interruption();
  await stores.withStore(stores.openServiceStore(readSettings()), async (store) => {
    const points = stores.untilInterrupted(inSteps(sampleMinutes({ from, to, hosts, seed })), signal);
    const bar = new Progress('storing');
    let count = 0;
    try {
      for await (const step of transfer(points, persistent(store, stores.patience(signal)))) {
        count += step.points.length;
        const last = step.points.at(-1);
        const minute = last === undefined ? from : toMilliseconds(last.time) / 60_000;
        bar.add(step.points.length, (minute - from) / (to - from));
      }
    } finally {
      bar.stop();
    }
    say(
      `${count.toLocaleString('en')} events of ${days} day(s) are stored, each once, under ${serversOf(hosts)}Frontend.`,
    );
  });
}

function serversOf(hosts: number): string {
  if (hosts < 2) return hosts === 0 ? '' : 'Server-1, ';
  return `Server-1 to Server-${hosts}, `;
}

const AT_LEAST = 2_000;

/** Some thousand points at a time, with a turn of the event loop between them for the store. */
async function* inSteps(minutes: Iterable<readonly Point[]>): AsyncGenerator<readonly Point[]> {
  let step: Point[] = [];
  for (const points of minutes) {
    step.push(...points);
    if (step.length < AT_LEAST) continue;
    yield step;
    await new Promise(setImmediate);
    step = [];
  }
  if (step.length > 0) yield step;
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
