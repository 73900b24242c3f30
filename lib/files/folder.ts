import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { messageOf, TrackingError } from '../errors.js';

/** What a Unix socket's path may have in bytes: 107 on Linux (unix(7)), 103 on macOS and the BSDs. */
const MAX_SOCKET_PATH = process.platform === 'linux' ? 107 : 103;

/** The data directory, opened. */
export class Folder {
  private constructor(
    readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /**
   * Opens the directory, made with mode 0700 where there is none.
   * @throws TrackingError `unavailable` where it cannot be made or opened
   */
  static async open(path: string): Promise<Folder> {
    try {
      await makeFolder(path);
      return new Folder(path, await open(path, constants.O_RDONLY | constants.O_DIRECTORY));
    } catch (error) {
      throw new TrackingError('unavailable', `The data directory ${path} cannot be used: ${messageOf(error)}.`, {
        cause: error,
      });
    }
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * A path of a socket in the directory that is short enough for the system, as long as the folder is open.
   * @throws TrackingError `unavailable` where there is none
   */
  socket(name: string): string {
    const path = this.file(name);
    const paths = [path, relative(process.cwd(), path)];
    if (process.platform === 'linux') paths.push(`/proc/self/fd/${this.handle.fd}/${name}`);
    const short = paths.find((candidate) => Buffer.byteLength(candidate) <= MAX_SOCKET_PATH);
    if (short !== undefined) return short;
    throw new TrackingError(
      'unavailable',
      `The path of the data directory ${this.path} is too long for a Unix socket in it: with /${name} it may have ${MAX_SOCKET_PATH} bytes.`,
    );
  }

  /** Makes what was renamed or removed in the directory durable. */
  sync(): Promise<void> {
    return this.handle.sync();
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

/** As `mkdir` with `recursive`, which below /proc never comes back (Node.js 20.20). */
async function makeFolder(path: string): Promise<void> {
  const make = (): Promise<void> =>
    mkdir(path, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
  try {
    await make();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
    await makeFolder(dirname(path));
    await make();
  }
}

/** The system's code of a failure, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
