import process from 'node:process';
import { SCOPES } from '../access.js';
import { commandLineAnywhere } from '../command-line.js';
import { readSettings, type Settings } from '../config.js';
import { createLogger } from '../log.js';
import { type Service, startService } from '../service.js';
import { type Credentials, welcome } from '../welcome.js';

/**
 * Runs the service until a signal stops it.
 * @param version - of the package, for the log
 * @param fail - says what prevented an orderly stop
 * @throws TrackingError where a setting is wrong or the service cannot start
 */
export async function serve(version: string, fail: (error: unknown) => void): Promise<void> {
  const settings = readSettings();
  const logger = createLogger({ level: settings.log.level, human: process.stdout.isTTY });
  const service = await startService(settings, logger);
  logger.info('listening', { url: service.url, store: settings.store, version });
  stopOnSignals(fail, async () => {
    logger.info('stopping');
    await service.stop();
    logger.info('stopped');
    logger.close();
  });
  if (settings.environmentType !== 'DEBUG') return;
  const credentials = await firstCredentials(settings, service.applications);
  console.log(welcome({ url: service.url, credentials }));
}

/**
 * Makes an application where there is none; else its secret is known no more, unless the settings have it. Elsewhere
 * than in a terminal no secret is printed, for it would stay in a log.
 */
async function firstCredentials(
  { bootstrap, data }: Settings,
  applications: Service['applications'],
): Promise<Credentials> {
  const inTerminal = process.stdout.isTTY;
  if (bootstrap !== null) return inTerminal ? bootstrap : { clientId: bootstrap.clientId };
  const [known] = await applications.list();
  if (known !== undefined) return { clientId: known.id };
  if (!inTerminal) {
    return { registration: commandLineAnywhere('application add first', { dataDirectory: data.directory }) };
  }
  const { application: added, secret } = await applications.add({ name: 'first', scopes: SCOPES });
  return { clientId: added.id, clientSecret: secret };
}

/** The first signal stops in order, a second one at once. */
function stopOnSignals(fail: (error: unknown) => void, stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      stop().then(() => process.exit(0), fail);
    });
  }
}
