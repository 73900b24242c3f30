#!/usr/bin/env -S node --min-semi-space-size=32 --max-semi-space-size=32
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command } from 'commander';
import { SCOPES } from './access.js';
import { addTransferCommands } from './commands/transfer.js';
import { PACKAGE_FOLDER, type Settings, loadEnvironmentFile, readSettings } from './config.js';
import { addDeadLetterCommands } from './dead-letter-commands.js';
import { TrackingError, messageOf } from './errors.js';
import { sendOrRun } from './files/lock.js';
import { createLogger } from './log.js';
import type { Applications, ListedApplication } from './oauth/applications.js';
import { type Service, openCommands, startService } from './service.js';
import { type FirstSteps, welcome } from './welcome.js';

const { version } = JSON.parse(readFileSync(`${PACKAGE_FOLDER}/package.json`, 'utf8')) as { version: string };

const program = new Command('tracking')
  .description('A tracking service: events in over HTTP, exact calendar aggregates out.')
  .version(version)
  .showHelpAfterError();

program.command('serve').description('run the service').action(serve);

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

addDeadLetterCommands(program, carryOut);
addTransferCommands(program);

async function serve(): Promise<void> {
  const settings = readSettings();
  const logger = createLogger({ level: settings.log.level, human: process.stdout.isTTY });
  const service = await startService(settings, logger);
  logger.info('listening', { url: service.url, store: settings.store, version });
  stopOnSignals(async () => {
    logger.info('stopping');
    await service.stop();
    logger.info('stopped');
    logger.close();
  });
  if (settings.environmentType === 'DEBUG') console.log(welcome(await firstSteps(settings, service)));
}

/** Makes an application where there is none; else its secret is known no more, unless the settings have it. */
async function firstSteps({ bootstrap }: Settings, { url, applications }: Service): Promise<FirstSteps> {
  if (bootstrap !== null) return { url, ...bootstrap };
  const [known] = await applications.list();
  if (known !== undefined) return { url, clientId: known.id };
  const { application: added, secret } = await applications.add({ name: 'first', scopes: SCOPES });
  return { url, clientId: added.id, clientSecret: secret };
}

/** The first signal stops in order, a second one at once. */
function stopOnSignals(stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      stop().then(() => process.exit(0), fail);
    });
  }
}

type Added = Awaited<ReturnType<Applications['add']>>;

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
    console.log(`There are none in ${directory} (DATA_DIR). Add one with: application add NAME`);
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

/** Has the running service carry out a command, or does it here where none runs. */
function carryOut(name: string, argument?: unknown): Promise<unknown> {
  const settings: Settings = readSettings();
  return sendOrRun(settings.data.directory, name, argument, () => openCommands(settings));
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

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function namespacesOf({ namespaces }: { readonly namespaces: readonly string[] }): string {
  return namespaces.length === 0 ? 'all' : namespaces.join(', ');
}

function fail(error: unknown): void {
  console.error(messageOf(error));
  process.exit(1);
}

try {
  loadEnvironmentFile('.env');
  await program.parseAsync();
} catch (error) {
  fail(error);
}
