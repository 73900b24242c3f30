#!/usr/bin/env -S node --max-semi-space-size=32 --initial-old-space-size=40 --heap-growing-percent=40
import './commands/footprint.js';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { Command } from 'commander';
import { commandLine } from './command-line.js';
import { addAgentCommands } from './commands/agent.js';
import { addApplicationCommands } from './commands/applications.js';
import { addDeadLetterCommands } from './commands/dead-letters.js';
import { addRetentionCommands } from './commands/retentions.js';
import { addSampleCommand } from './commands/sample.js';
import { addTransferCommands } from './commands/transfer.js';
import { PACKAGE_FOLDER, loadEnvironmentFile } from './config.js';
import { messageOf } from './errors.js';
import { keepFilesPrivate } from './files/privacy.js';

const { version } = JSON.parse(readFileSync(`${PACKAGE_FOLDER}/package.json`, 'utf8')) as { version: string };

const program = new Command(commandLine('').trimEnd())
  .description('A tracking service: events in over HTTP, exact calendar aggregates out.')
  .version(version)
  // All of the help would push the error out of sight.
  .showHelpAfterError('Add --help to see what there is.')
  // `agent status` has options that `agent` has too.
  .enablePositionalOptions();

keepFilesPrivate();

// What a command needs is loaded when it runs: the service with its databases takes ten times as long as Node.js itself.
program
  .command('serve')
  .description('run the service')
  .action(async () => (await import('./commands/serve.js')).serve(version, fail));

addAgentCommands(program, version);
addApplicationCommands(program);
addRetentionCommands(program);
addDeadLetterCommands(program);
addTransferCommands(program);
addSampleCommand(program);

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
