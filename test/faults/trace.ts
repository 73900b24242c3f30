import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { temporaryFolder } from '../servers/lifetime.js';

/** A system call of a traced process. */
export interface Call {
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Arguments, the beginning of the bytes among them, and the result. */
  readonly text: string;
}

const TRACED = 'fsync,fdatasync,write,writev,pwrite64,sendto,sendmsg,read,recvfrom,recvmsg';
const LINE = /^(\d+) +([\d.]+) (?:(\w+)\(|<\.\.\. (\w+) resumed>)(.*)$/;
const DURATION = / <([\d.]+)>$/;

/** `strace` on running processes: what they read and write, and when they sync. */
export class Trace {
  private constructor(
    private readonly strace: ChildProcess,
    private readonly file: string,
  ) {}

  /** @throws Error where a process cannot be traced */
  static async of(pids: readonly (number | undefined)[]): Promise<Trace> {
    const file = path.join(temporaryFolder('trace'), 'strace.txt');
    const options = ['-y', '-ttt', '-T', '-s', '4096', '-e', `trace=${TRACED}`, '-o', file];
    return new Trace(await attach(options, pids), file);
  }

  /** Ends the tracing, and not the processes. */
  async stop(): Promise<Call[]> {
    const ended = once(this.strace, 'close');
    this.strace.kill('SIGINT');
    await ended;
    return readCalls(readFileSync(this.file, 'utf8'));
  }
}

/**
 * Lets what a process does to a file fail from now on, as on a disk that fails between a write and its sync.
 * @param error - the system's code, such as `EROFS`
 * @throws Error where the process cannot be traced
 */
export async function failSyncs(pid: number | undefined, file: string, error: string): Promise<void> {
  const calls = 'fsync,fdatasync,ftruncate';
  await attach(['-P', file, '-e', `trace=${calls}`, '-e', `inject=${calls}:error=${error}`, '-o', '/dev/null'], [pid]);
}

/** Begins to trace all threads of the processes, until `strace` is told to stop or they end. */
async function attach(options: readonly string[], pids: readonly (number | undefined)[]): Promise<ChildProcess> {
  const targets = pids.flatMap((pid) => ['-p', String(pid)]);
  const strace = spawn('strace', ['-f', ...options, ...targets], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  strace.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  strace.on('error', (error) => (said = `${error.message} (Debian package: strace)`));
  while (said.split('attached').length <= pids.length) {
    if (strace.exitCode !== null || strace.pid === undefined) throw new Error(`strace does not trace: ${said}`);
    await setTimeout(10);
  }
  return strace;
}

/** Puts together the calls that `strace` tells in two lines where another thread came between. */
function readCalls(text: string): Call[] {
  const unfinished = new Map<string, { readonly start: number; readonly text: string }>();
  const calls: Call[] = [];
  for (const line of text.split('\n')) {
    const [, thread = '', seconds = '', begun, resumed, rest = ''] = LINE.exec(line) ?? [];
    const time = Number(seconds) * 1000;
    if (begun !== undefined && rest.endsWith('<unfinished ...>')) {
      unfinished.set(thread, { start: time, text: rest });
    } else if (begun !== undefined) {
      const duration = Number(DURATION.exec(rest)?.[1] ?? 0) * 1000;
      calls.push({ name: begun, start: time, end: time + duration, text: rest });
    } else if (resumed !== undefined) {
      const beginning = unfinished.get(thread);
      unfinished.delete(thread);
      if (beginning) calls.push({ name: resumed, start: beginning.start, end: time, text: beginning.text + rest });
    }
  }
  return calls.sort((one, other) => one.start - other.start);
}
