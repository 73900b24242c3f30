import { randomBytes } from 'node:crypto';
import { chmod, readdir, rename, rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { messageOf, TrackingError } from '../errors.js';
import { askHolder, isListening, sendCommand } from './control-client.js';
import type { Holder } from './control-protocol.js';
import { type CommandHandlers, ControlServer, type StreamHandlers } from './control-server.js';
import { codeOf, Folder } from './folder.js';

/** The data directory, held by this process. */
export interface DirectoryLock {
  /** Carries out the commands of other processes and gives them streams; until then they wait. */
  serve(commands: CommandHandlers, streams?: StreamHandlers): void;
  /** Begins no further command, cuts off streams, and resolves when commands under way are done. */
  finish(): Promise<void>;
  /** Finishes, and lets go of the directory: to be called when nothing in it is open any more. */
  release(): Promise<void>;
}

const SOCKET = /^lock-[0-9a-f]{16}\.sock$/;
const UNBORN_SOCKET = /^lock-[0-9a-f]{16}\.sock\.new$/;
/** Between two looks at whether a process that is stopping has stopped. */
export const STOPPING_PAUSE = 50; // ms

/**
 * Takes the data directory for this process, until it is released or the process ends in whatever way.
 *
 * The lock is a Unix socket that its holder listens on: the kernel stops listening for the dead, so nothing stale can
 * refuse and no recycled pid can deceive. It holds among the processes of one machine, containers included. Each
 * process listens on a socket with a random name of its own and only then looks for others. It gives way to a holder
 * and to a lower name, and waits until a higher name that has not settled yet has become a holder or given way (compare
 * Lamport's bakery algorithm). Of two processes the one that listened later sees the other, so both cannot hold; the
 * lowest name gives way only to a holder, so one does. No name is used twice, so a dead socket can be removed safely.
 * @throws TrackingError `unavailable`, with the pid, where another process holds it
 */
export async function lockDataDirectory(path: string): Promise<DirectoryLock> {
  const taken = await takeOrFind(path);
  if ('lock' in taken) return taken.lock;
  await taken.folder.close();
  throw inUse(path, taken.holder);
}

/** What to say where another process holds the directory and nothing can be done about it. */
export function inUse(path: string, holder: Holder | 'silent'): TrackingError {
  const who = holder === 'silent' ? 'another process, which does not say its pid' : `process ${holder.pid}`;
  return new TrackingError(
    'unavailable',
    `The data directory ${path} is in use by ${who}. Stop it first, or use another directory (DATA_DIR).`,
  );
}

/** What carries out commands without a running service, and what is to be closed after it. */
export interface CommandWork {
  readonly handlers: CommandHandlers;
  close(): Promise<void>;
}

/**
 * Has a command carried out by the process that holds the data directory, or where none does, here, with the directory
 * held meanwhile.
 * @param open - for the second case
 * @returns what the handler returned, as it comes out of JSON
 * @throws TrackingError as the handler threw it
 */
export async function sendOrRun(
  path: string,
  name: string,
  argument: unknown,
  open: () => Promise<CommandWork>,
): Promise<unknown> {
  for (;;) {
    const taken = await takeOrFind(path);
    if ('lock' in taken) return runHere(taken.lock, name, argument, open);
    const socket = taken.folder.socket(taken.name);
    const answer = await sendCommand(socket, name, argument).finally(() => taken.folder.close());
    if (answer !== 'nobody') return answer.result;
    // It is stopping, and holds the directory until it has.
    await setTimeout(STOPPING_PAUSE);
  }
}

/** Other commands that come meanwhile are carried out here too. */
async function runHere(
  lock: DirectoryLock,
  name: string,
  argument: unknown,
  open: () => Promise<CommandWork>,
): Promise<unknown> {
  let work: CommandWork | undefined;
  try {
    work = await open();
    lock.serve(work.handlers);
    const handler = work.handlers[name];
    if (handler === undefined) throw new TypeError(`There is no command "${name}".`);
    return await handler(argument);
  } finally {
    await lock.finish();
    await work?.close();
    await lock.release();
  }
}

export type Taken =
  | { readonly lock: DirectoryLock }
  | { readonly holder: Holder | 'silent'; readonly name: string; readonly folder: Folder };

/** Takes the data directory, or finds who holds it. */
export async function takeOrFind(path: string): Promise<Taken> {
  const folder = await Folder.open(path);
  try {
    return await contend(folder);
  } catch (error) {
    await folder.close();
    throw error;
  }
}

async function contend(folder: Folder): Promise<Taken> {
  for (;;) {
    const own = await listen(folder);
    if (own === undefined) continue;
    const rival = await findRival(folder, own.name);
    if (rival === undefined) return { lock: await hold(folder, own) };
    await rm(folder.file(own.name), { force: true });
    await own.server.abandon();
    const holder = rival.holder ?? (await askHolder(folder.socket(rival.name)));
    if (holder !== 'gone') return { holder, name: rival.name, folder };
  }
}

interface OwnSocket {
  readonly name: string;
  readonly server: ControlServer;
}

/** Listens under a new name; nothing where a holder took the unborn socket for a dead one. */
async function listen(folder: Folder): Promise<OwnSocket | undefined> {
  const name = `lock-${randomBytes(8).toString('hex')}.sock`;
  const unborn = `${name}.new`;
  const server = new ControlServer();
  await server.listen(folder.socket(unborn)).catch((error: unknown) => {
    throw new TrackingError(
      'unavailable',
      `The data directory ${folder.path} cannot hold a Unix socket, which keeps two services out of it: ${messageOf(error)}.`,
      { cause: error },
    );
  });
  // Bound and not yet listening it would have looked dead, so it gets its name only now.
  try {
    await chmod(folder.file(unborn), 0o600);
    await rename(folder.file(unborn), folder.file(name));
    return { name, server };
  } catch (error) {
    await server.abandon();
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

interface Rival {
  readonly name: string;
  /** Not known yet where the name is lower than ours. */
  readonly holder?: Holder | 'silent';
}

/** A process that we have to give way to. */
async function findRival(folder: Folder, own: string): Promise<Rival | undefined> {
  const names = (await readdir(folder.path)).filter((name) => SOCKET.test(name) && name !== own).sort();
  for (const name of names) {
    const path = folder.socket(name);
    if (name < own) {
      if (await isListening(path)) return { name };
    } else {
      const holder = await askHolder(path);
      if (holder !== 'gone') return { name, holder };
    }
    await rm(folder.file(name), { force: true });
  }
  return undefined;
}

async function hold(folder: Folder, own: OwnSocket): Promise<DirectoryLock> {
  own.server.hold();
  await removeUnborn(folder);
  return {
    serve: (commands, streams) => {
      own.server.serve(commands, streams);
    },
    finish: () => own.server.finish(),
    release: async () => {
      await own.server.finish();
      await rm(folder.file(own.name), { force: true });
      await own.server.close();
      await folder.close();
    },
  };
}

/** What processes left that were killed between binding and naming. One that is alive listens again under a new name. */
async function removeUnborn(folder: Folder): Promise<void> {
  for (const name of await readdir(folder.path)) {
    if (UNBORN_SOCKET.test(name) && !(await isListening(folder.socket(name)))) {
      await rm(folder.file(name), { force: true });
    }
  }
}
