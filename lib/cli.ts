#!/usr/bin/env -S node --min-semi-space-size=32 --max-semi-space-size=32
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command } from 'commander';
import { SCOPES } from './access.js';
import { addApplicationCommands } from './commands/applications.js';
import { addDeadLetterCommands } from './commands/dead-letters.js';
import { addRetentionCommands } from './commands/retentions.js';
import { addTransferCommands } from './commands/transfer.js';
import { PACKAGE_FOLDER, type Settings, loadEnvironmentFile, readSettings } from './config.js';
import { messageOf } from './errors.js';
import { createLogger } from './log.js';
import { type Service, startService } from './service.js';
import { type FirstSteps, welcome } from './welcome.js';

const { version } = JSON.parse(readFileSync(`${PACKAGE_FOLDER}/package.json`, 'utf8')) as { version: string };

const program = new Command('tracking')
  .description('A tracking service: events in over HTTP, exact calendar aggregates out.')
  .version(version)
  .showHelpAfterError();

program.command('serve').description('run the service').action(serve);

addApplicationCommands(program);
addRetentionCommands(program);
addDeadLetterCommands(program);
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
