import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';
import { messageOf, TrackingError } from '../errors.js';

/**
 * Writes a file that appears under its name only when it is whole and on disk; until then it is `PATH.part`.
 * @param mode - who may read it
 * @throws TrackingError `unavailable` where it cannot be written; and as `write` throws. Then no file is left
 */
export async function writeWhole(
  path: string,
  mode: number,
  write: (output: NodeJS.WritableStream) => Promise<void>,
): Promise<void> {
  const part = `${path}.part`;
  try {
    await writeTo(createWriteStream(part, { mode, flush: true, highWaterMark: 1 << 20 }), write);
    await rename(part, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(part, { force: true }).catch(() => undefined);
    throw error instanceof TrackingError ? error : cannotWrite(path, error);
  }
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
