import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('./writing-process.js', import.meta.url));

interface Limits {
  /** The number to end with. */
  readonly end?: number;
  /** KiB that a file may grow to, in place of a full disk. */
  readonly fileLimit?: number;
  readonly logLimit?: string;
}

/** A process that writes numbered points (`writing-process.ts`), and what it says. */
export class WritingProcess {
  /** Points from 0 up to here are acknowledged, as far as this process knows. */
  acknowledged: number;
  readonly lines: string[] = [];
  private readonly process: ChildProcessByStdio<null, Readable, Readable>;
  private readonly ended: Promise<unknown>;

  constructor(file: string, first: number, size: number, { end = Infinity, fileLimit, logLimit }: Limits = {}) {
    this.acknowledged = first;
    const limit = fileLimit === undefined ? 'unlimited' : String(fileLimit);
    const command = ['-c', `ulimit -f ${limit}; exec "$0" "$@"`, process.execPath, SCRIPT, file];
    this.process = spawn('bash', [...command, String(first), String(size), String(end), logLimit ?? '16MB'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output = createInterface(this.process.stdout);
    output.on('line', (line) => {
      this.lines.push(line);
      const [, number] = /^acknowledged (\d+)$/.exec(line) ?? [];
      if (number !== undefined) this.acknowledged = Number(number);
    });
    createInterface(this.process.stderr).on('line', (line) => this.lines.push(line));
    this.ended = Promise.all([once(this.process, 'close'), once(output, 'close')]);
  }

  /** Resolves when it ends by itself. */
  async end(): Promise<void> {
    await this.ended;
  }

  /** Resolves when the first write is acknowledged. */
  async started(): Promise<void> {
    const first = this.acknowledged;
    while (this.acknowledged === first && this.process.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Kills it (SIGKILL), and reads what it had said until then. */
  async kill(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }
}
