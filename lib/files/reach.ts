import { setTimeout } from 'node:timers/promises';
import { TrackingError } from '../errors.js';
import { receiveStream, sendCommand } from './control-client.js';
import type { Folder } from './folder.js';
import { type DirectoryLock, inUse, STOPPING_PAUSE, takeOrFind } from './lock.js';

/** The process that holds the data directory, for more than one command. */
export interface HolderConnection {
  /**
   * Has it carry out a command.
   * @param timeout - milliseconds to wait for the answer
   * @throws TrackingError as its handler threw it, or `unavailable` where it has stopped or does not answer
   */
  send(name: string, argument: unknown, timeout?: number): Promise<unknown>;
  /** @throws TrackingError as its handler threw it, or `unavailable` where it stops before the end */
  stream(name: string, argument: unknown): AsyncIterable<unknown>;
  close(): Promise<void>;
}

/**
 * Reaches the data directory for more than one command: holds it, or connects to the process that does.
 * @param greeting - a command that shows that the process carries out commands
 * @throws TrackingError `unavailable` where that process does not say so, or as the greeting is answered
 */
export async function reachDataDirectory(
  path: string,
  greeting: string,
): Promise<{ readonly lock: DirectoryLock } | { readonly connection: HolderConnection; readonly greeted: unknown }> {
  for (;;) {
    const taken = await takeOrFind(path);
    if ('lock' in taken) return taken;
    const { folder, holder } = taken;
    try {
      if (holder === 'silent') throw inUse(path, holder);
      const socket = folder.socket(taken.name);
      const answer = await sendCommand(socket, greeting, undefined);
      if (answer !== 'nobody') return { connection: connectionTo(socket, folder), greeted: answer.result };
    } catch (error) {
      await folder.close();
      throw error;
    }
    await folder.close();
    // It is stopping, and holds the directory until it has.
    await setTimeout(STOPPING_PAUSE);
  }
}

function connectionTo(socket: string, folder: Folder): HolderConnection {
  return {
    async send(name, argument, timeout) {
      const answer = await sendCommand(socket, name, argument, timeout);
      if (answer !== 'nobody') return answer.result;
      throw new TrackingError('unavailable', 'The running service has stopped.');
    },
    stream: (name, argument) => receiveStream(socket, name, argument),
    close: () => folder.close(),
  };
}
