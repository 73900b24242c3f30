import process from 'node:process';
import { SCOPES } from '../access.js';
import { readSettings, type Settings } from '../config.js';
import { createLogger } from '../log.js';
import { type Service, startService } from '../service.js';
import { type FirstSteps, welcome } from '../welcome.js';

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
  if (settings.environmentType === 'DEBUG') console.log(welcome(await firstSteps(settings, service)));
}

/**
 * Makes an application where there is none; else its secret is known no more, unless the settings have it. The commands
 * have its credentials filled in, for DEBUG is for trying things out; with PRODUCTION no secret is printed.
 */
async function firstSteps({ bootstrap }: Settings, { url, applications }: Service): Promise<FirstSteps> {
  if (bootstrap !== null) return { url, ...bootstrap };
  const [known] = await applications.list();
  if (known !== undefined) return { url, clientId: known.id };
  const { application: added, secret } = await applications.add({ name: 'first', scopes: SCOPES });
  return { url, clientId: added.id, clientSecret: secret };
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
