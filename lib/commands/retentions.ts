import type { Command } from 'commander';
import { commandLine } from '../command-line.js';
import type { ExpiredCount } from '../expired.js';
import { type ListedRetention, type SetRetention, formatDuration } from '../retention.js';
import { carryOut } from './carry-out.js';

/** Adds `retention set | list | remove` to the command line. */
export function addRetentionCommands(program: Command): void {
  const retention = program.command('retention').description('how long events are kept');

  retention
    .command('set')
    .description('delete the events of some namespaces once they are older, beginning now')
    .argument('<namespaces>', "a namespace, or a pattern such as 'Server-*'; the most specific one counts")
    .argument('<duration>', 'hours, days, weeks, months (of 31 days) or years (of 366): 12h, 90d, 8w, 18mo, 5y')
    .option('--dry-run', 'only say how many events it would delete now')
    .action(setRetention);

  retention.command('list').description('list them').option('--json', 'print JSON').action(listRetentions);

  retention
    .command('remove')
    .description('keep the events of these namespaces as the others')
    .argument('<namespaces>', 'as it was set')
    .action(removeRetention);
}

async function setRetention(
  namespaces: string,
  duration: string,
  { dryRun = false }: { readonly dryRun?: boolean },
): Promise<void> {
  const { seconds, older } = (await carryOut('retention set', { namespaces, duration, dryRun })) as SetRetention;
  const which = `Events of ${namespaces} that are older than ${formatDuration(seconds)}`;
  const [now, set] =
    'events' in older
      ? [
          `${which} would be deleted at once: ${inWords(older)}.`,
          `${which} are being deleted now (${inWords(older)}), and others once they are.`,
        ]
      : [
          `${which} cannot be counted: ${older.uncounted}`,
          `${which} will be deleted as soon as a running service reaches the store, and others once they are. They cannot be counted now: ${older.uncounted}`,
        ];
  console.log(dryRun ? `${now} Nothing was set.` : set);
}

function inWords({ events, namespaces }: ExpiredCount): string {
  const among = `${namespaces.toLocaleString('en')} ${namespaces === 1 ? 'namespace' : 'namespaces'}`;
  if (events === 0) return 'none so far';
  return `${events.toLocaleString('en')} ${events === 1 ? 'event' : 'events'} of ${among}`;
}

async function listRetentions(options: { readonly json?: boolean }): Promise<void> {
  const retentions = (await carryOut('retention list')) as ListedRetention[];
  if (options.json) {
    console.log(JSON.stringify(retentions));
    return;
  }
  if (retentions.length === 0)
    console.log(`All events are kept for ever. Set a retention with: ${commandLine('retention set NAMESPACES 90d')}`);
  for (const { namespaces, duration, setting } of retentions) {
    console.log(`${namespaces}  ${duration}${setting ? '  (RETENTION, for all others)' : ''}`);
  }
}

async function removeRetention(namespaces: string): Promise<void> {
  await carryOut('retention remove', namespaces);
  console.log(`The retention of ${namespaces} was removed.`);
}
