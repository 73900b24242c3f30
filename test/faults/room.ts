import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import path from 'node:path';
import { atEnd, temporaryFolder } from '../servers/lifetime.js';

const BLOCK = Buffer.alloc(64 * 1024);

/** A file system of its own, small enough to be filled. Needs the right to mount. */
export class SmallDisk {
  private readonly filling: string;
  private mounted = true;

  private constructor(readonly folder: string) {
    this.filling = path.join(folder, 'filling');
  }

  /** @throws Error where nothing may be mounted */
  static mount(megabytes: number): SmallDisk {
    const folder = path.join(temporaryFolder('disk'), 'small');
    mkdirSync(folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder]);
    const disk = new SmallDisk(folder);
    atEnd(() => {
      disk.unmount();
    });
    return disk;
  }

  /** Bytes that can still be written. */
  get free(): number {
    const { bavail, bsize } = statfsSync(this.folder);
    return bavail * bsize;
  }

  /** Fills it up. @param left - bytes that stay free, about */
  fill(left = 0): void {
    const file = openSync(this.filling, 'a');
    try {
      while (this.free > left) writeSync(file, BLOCK, 0, Math.min(BLOCK.length, Math.max(1, this.free - left)));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Makes room again. */
  clear(): void {
    rmSync(this.filling, { force: true });
  }

  unmount(): void {
    if (!this.mounted) return;
    this.mounted = false;
    // Also where a process that has just been killed still holds it.
    execFileSync('umount', ['--lazy', this.folder], { stdio: 'ignore' });
  }
}
