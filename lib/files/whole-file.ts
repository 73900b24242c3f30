import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { chmod, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { messageOf, TrackingError } from '../errors.js';

/**
 * Writes a file that appears under its name only when it is whole and on disk; until then it has another name beside it.
 * What is no file, such as a pipe, is written to as it is, and a link keeps pointing where it does.
 * @param mode - who may read it once it is whole; until then it is as the process makes files
 * @throws TrackingError `unavailable` where it cannot be written; and as `write` throws. Then no file is left
 */
export async function writeWhole(
  path: string,
  mode: number,
  write: (output: NodeJS.WritableStream) => Promise<void>,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const part = partOf(target);
  try {
    if (await isSpecial(target)) {
      await writeTo(createWriteStream(target, { highWaterMark: 1 << 20 }), write);
      return;
    }
    await writeTo(createWriteStream(part, { mode, flags: 'wx', flush: true, highWaterMark: 1 << 20 }), write);
    await chmod(part, mode);
    await rename(part, target);
    await syncFolder(dirname(target));
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error instanceof TrackingError ? error : cannotWrite(path, error);
  }
}

/** A name beside a path for what is not whole yet, and that nobody else uses. */
export function partOf(path: string): string {
  return `${path}.${randomBytes(4).toString('hex')}.part`;
}

async function isSpecial(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && !found.isFile() && !found.isDirectory();
}

/** Resolves when all is on disk: the file is synced before it is closed. */
async function writeTo(output: WriteStream, write: (output: NodeJS.WritableStream) => Promise<void>): Promise<void> {
  const closed = finished(output);
  // It may fail while somebody waits for something else.
  closed.catch(() => undefined);
  try {
    await write(output);
    output.end();
  } catch (error) {
    output.destroy();
    await closed.catch(() => undefined);
    throw error;
  }
  await closed;
}

function cannotWrite(path: string, error: unknown): TrackingError {
  return new TrackingError('unavailable', `${path} could not be written: ${messageOf(error)}.`, { cause: error });
}

/** Makes what was renamed in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * The SHA-256 of a file's bytes, as hexadecimal digits.
 * @throws TrackingError `unavailable` where it cannot be read
 */
export async function hashOfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const bytes of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(bytes as Buffer);
  } catch (error) {
    throw new TrackingError('unavailable', `${path} cannot be read: ${messageOf(error)}.`, { cause: error });
  }
  return hash.digest('hex');
}
