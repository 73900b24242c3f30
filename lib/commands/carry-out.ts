import { readSettings } from '../config.js';
import { sendOrRun } from '../files/lock.js';

/** Has the running service carry out a command, or does it here where none runs. @throws TrackingError as it does */
export function carryOut(name: string, argument?: unknown): Promise<unknown> {
  const settings = readSettings();
  return sendOrRun(settings.data.directory, name, argument, async () => {
    const { openCommands } = await import('./without-service.js');
    return openCommands(settings);
  });
}
