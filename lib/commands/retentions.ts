import type { Command } from 'commander';
import type { Retention } from '../registry.js';
import { type ListedRetention, formatDuration } from '../retention.js';
import { carryOut } from './carry-out.js';

/** Adds `retention set | list | remove` to the command line. */
export function addRetentionCommands(program: Command): void {
  const retention = program.command('retention').description('how long events are kept');

  retention
    .command('set')
    .description('delete the events of some namespaces once they are older, beginning now')
    .argument('<namespaces>', "a namespace, or a pattern such as 'Server-*'; the most specific one counts")
    .argument('<duration>', 'hours, days, weeks, months (of 31 days) or years (of 366): 12h, 90d, 8w, 18mo, 5y')
    .action(setRetention);

  retention.command('list').description('list them').option('--json', 'print JSON').action(listRetentions);

  retention
    .command('remove')
    .description('keep the events of these namespaces as the others')
    .argument('<namespaces>', 'as it was set')
    .action(removeRetention);
}

async function setRetention(namespaces: string, duration: string): Promise<void> {
  const { seconds } = (await carryOut('retention set', { namespaces, duration })) as Retention;
  console.log(
    `Events of ${namespaces} that are older than ${formatDuration(seconds)} are being deleted now, and others once they are.`,
  );
}

async function listRetentions(options: { readonly json?: boolean }): Promise<void> {
  const retentions = (await carryOut('retention list')) as ListedRetention[];
  if (options.json) {
    console.log(JSON.stringify(retentions));
    return;
  }
  if (retentions.length === 0)
    console.log('All events are kept for ever. Set a retention with: retention set NAMESPACES 90d');
  for (const { namespaces, duration, setting } of retentions) {
    console.log(`${namespaces}  ${duration}${setting ? '  (RETENTION, for all others)' : ''}`);
  }
}

async function removeRetention(namespaces: string): Promise<void> {
  await carryOut('retention remove', namespaces);
  console.log(`The retention of ${namespaces} was removed.`);
}
