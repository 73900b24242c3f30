import type { Command } from 'commander';
import { SCOPES } from '../access.js';
import { commandLine } from '../command-line.js';
import { listOf } from '../config-schema.js';
import { readSettings } from '../config.js';
import { TrackingError } from '../errors.js';
import type { Applications, ListedApplication } from '../oauth/applications.js';
import { carryOut } from './carry-out.js';

type Added = Awaited<ReturnType<Applications['add']>>;

/** Adds `application add | list | remove` to the command line. */
export function addApplicationCommands(program: Command): void {
  const application = program
    .command('application')
    .description('the clients that may send events and ask for aggregates');

  application
    .command('add')
    .description('register an application and print its credentials; the secret is shown this once')
    .argument('<name>', 'what people call it')
    .option('--scopes <scopes>', 'what it may do, with commas', SCOPES.join(','))
    .option('--namespaces <patterns>', "where it may, with commas, such as 'Frontend,Server-*' (default: everywhere)")
    .option('--json', 'print JSON')
    .action(addApplication);

  application
    .command('list')
    .description('list all applications')
    .option('--json', 'print JSON')
    .action(listApplications);

  application
    .command('remove')
    .description('remove an application; its tokens stop working')
    .argument('<id>', 'its client id')
    .action(removeApplication);
}

async function addApplication(
  name: string,
  options: { readonly scopes: string; readonly namespaces?: string; readonly json?: boolean },
): Promise<void> {
  const { application: added, secret } = (await carryOut('application add', {
    name,
    scopes: listOf(options.scopes),
    namespaces: namespacesOption(options.namespaces),
  })) as Added;
  if (options.json) {
    console.log(JSON.stringify({ ...added, secret }));
    return;
  }
  console.log(
    [
      `The application "${added.name}" was added.`,
      `  client id      ${added.id}`,
      `  client secret  ${secret}`,
      `  scopes         ${added.scopes.join(' ')}`,
      `  namespaces     ${namespacesOf(added)}`,
      'Keep the secret now: it is shown this once and stored only as a hash.',
    ].join('\n'),
  );
}

async function listApplications(options: { readonly json?: boolean }): Promise<void> {
  const applications = (await carryOut('application list')) as ListedApplication[];
  if (options.json) {
    console.log(JSON.stringify(applications));
    return;
  }
  if (applications.length === 0) {
    const { directory } = readSettings().data;
    console.log(`There are none in ${directory} (DATA_DIR). Add one with: ${commandLine('application add NAME')}`);
  }
  for (const { id, name, scopes, bootstrap, ...rest } of applications) {
    const origin = bootstrap ? ', from the settings' : '';
    console.log(`${id}  "${name}"${origin}  scopes: ${scopes.join(' ')}  namespaces: ${namespacesOf(rest)}`);
  }
}

async function removeApplication(id: string): Promise<void> {
  await carryOut('application remove', id);
  console.log(`The application ${id} was removed.`);
}

/** Left out means everywhere; an empty text is rather a variable that was not set. */
function namespacesOption(text: string | undefined): string[] {
  const patterns = listOf(text ?? '');
  if (text !== undefined && patterns.length === 0) {
    throw new TrackingError(
      'invalid',
      'Nothing was registered: --namespaces names none. Leave it out for all namespaces.',
    );
  }
  return patterns;
}

function namespacesOf({ namespaces }: { readonly namespaces: readonly string[] }): string {
  return namespaces.length === 0 ? 'all' : namespaces.join(', ');
}
