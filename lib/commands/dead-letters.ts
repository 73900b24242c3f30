import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { commandLine } from '../command-line.js';
import type { PageRequest } from '../dead-letters.js';
import { TrackingError } from '../errors.js';
import type { DeadLetter, DeadLetterPage } from '../queue.js';
import { carryOut } from './carry-out.js';

/** How many letters one command lists. */
const A_PAGE = 500;
/** How many it retries or drops, so that it answers in time. */
const AT_ONCE = 100;

/** Adds `dead-letters list | show | retry | drop` to the command line. */
export function addDeadLetterCommands(program: Command): void {
  const command = program
    .command('dead-letters')
    .description('events behind the queue that the database will never take, each with the reason');
  command
    .command('list')
    .description('list them, the oldest first')
    .option('--limit <count>', 'how many at most', countOf)
    .option('--json', 'print JSON')
    .action(list);
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

async function list({ limit, json = false }: { readonly limit?: number; readonly json?: boolean }): Promise<void> {
  await print(json ? jsonOf(letters(limit)) : linesOf(letters(limit)));
}

/** Page by page: there may be millions. */
async function* letters(limit = Infinity): AsyncGenerator<DeadLetter> {
  let left = limit;
  for await (const page of pages(Math.min(A_PAGE, limit))) {
    yield* page.slice(0, left);
    left -= page.length;
    if (left <= 0) return;
  }
}

async function* pages(limit: number): AsyncGenerator<readonly DeadLetter[]> {
  let cursor: string | undefined;
  do {
    const request: PageRequest = { limit, ...(cursor === undefined ? {} : { cursor }) };
    const page = (await carryOut('dead-letters page', request)) as DeadLetterPage;
    yield page.letters;
    cursor = page.next;
  } while (cursor !== undefined);
}

async function* linesOf(all: AsyncIterable<DeadLetter>): AsyncGenerator<string> {
  let none = true;
  for await (const { id, event, reason, refusedAt } of all) {
    none = false;
    yield `${id}  ${refusedAt}  ${JSON.stringify(event)}  ${reason}\n`;
  }
  if (none) yield 'There are none.\n';
}

async function* jsonOf(all: AsyncIterable<DeadLetter>): AsyncGenerator<string> {
  let before = '[';
  for await (const letter of all) {
    yield before + JSON.stringify(letter);
    before = ',\n';
  }
  yield before === '[' ? '[]\n' : ']\n';
}

/** As fast as it is read; whoever reads may stop early, as `head` does. */
async function print(texts: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(texts, process.stdout, { end: false });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPIPE')) throw error;
  }
}

function countOf(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count > 0) return count;
  throw new TrackingError('invalid', `--limit must be a whole number from 1 on, not "${text}".`);
}

async function changeEach(
  change: 'retry' | 'drop',
  id: string | undefined,
  { all = false }: { readonly all?: boolean },
): Promise<number> {
  if ((id === undefined) !== all) throw new TrackingError('invalid', 'Name one dead letter, or say --all.');
  if (id !== undefined) {
    const done = await carryOut(`dead-letters ${change}`, [id]);
    if (done === 0) throw unknown(id);
    return 1;
  }
  let done = 0;
  for await (const page of pages(AT_ONCE)) {
    const ids = page.map((letter) => letter.id);
    if (ids.length > 0) done += (await carryOut(`dead-letters ${change}`, ids)) as number;
  }
  return done;
}

function unknown(id: string): TrackingError {
  return new TrackingError(
    'not-found',
    `There is no dead letter ${id}; \`${commandLine('dead-letters list')}\` shows them all.`,
  );
}
