import type { Command } from 'commander';
import { commandLine } from '../command-line.js';
import { TrackingError } from '../errors.js';
import type { DeadLetter } from '../queue.js';
import { carryOut } from './carry-out.js';

/** How many letters one command retries or drops, so that it answers in time. */
const AT_ONCE = 100;

/** Adds `dead-letters list | show | retry | drop` to the command line. */
export function addDeadLetterCommands(program: Command): void {
  const command = program
    .command('dead-letters')
    .description('events behind the queue that the database will never take, each with the reason');
  command
    .command('list')
    .description('list them, the oldest first')
    .option('--json', 'print JSON')
    .action(async ({ json }: { readonly json?: boolean }) => {
      const letters = await list();
      if (json) console.log(JSON.stringify(letters));
      else console.log(letters.length === 0 ? 'There are none.' : letters.map(lineOf).join('\n'));
    });
  command
    .command('show')
    .description('print one as JSON')
    .argument('<id>', 'as it is listed')
    .action(async (id: string) => {
      const letter = await carryOut('dead-letters show', id);
      if (letter === null) throw unknown(id);
      console.log(JSON.stringify(letter, undefined, 2));
    });
  command
    .command('retry')
    .description('queue an event once more, and take it out of here')
    .argument('[id]', 'as it is listed')
    .option('--all', 'all that there are now')
    .action(async (id: string | undefined, options: { readonly all?: boolean }) => {
      console.log(`${await changeEach('retry', id, options)} event(s) were queued once more.`);
    });
  command
    .command('drop')
    .description('forget an event for good')
    .argument('[id]', 'as it is listed')
    .option('--all', 'all that there are now')
    .action(async (id: string | undefined, options: { readonly all?: boolean }) => {
      console.log(`${await changeEach('drop', id, options)} event(s) were dropped.`);
    });
}

async function list(): Promise<DeadLetter[]> {
  return (await carryOut('dead-letters list')) as DeadLetter[];
}

async function changeEach(
  change: 'retry' | 'drop',
  id: string | undefined,
  { all = false }: { readonly all?: boolean },
): Promise<number> {
  if ((id === undefined) !== all) throw new TrackingError('invalid', 'Name one dead letter, or say --all.');
  const ids = id === undefined ? (await list()).map((letter) => letter.id) : [id];
  let done = 0;
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    done += (await carryOut(`dead-letters ${change}`, ids.slice(start, start + AT_ONCE))) as number;
  }
  if (id !== undefined && done === 0) throw unknown(id);
  return done;
}

function unknown(id: string): TrackingError {
  return new TrackingError(
    'not-found',
    `There is no dead letter ${id}; \`${commandLine('dead-letters list')}\` shows them all.`,
  );
}

function lineOf({ id, event, reason, refusedAt }: DeadLetter): string {
  return `${id}  ${refusedAt}  ${JSON.stringify(event)}  ${reason}`;
}
