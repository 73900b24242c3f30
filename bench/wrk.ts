import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from '../test/servers/lifetime.js';

/** One request, sent again and again. */
export interface Shot {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Load {
  readonly connections: number;
  readonly seconds: number;
}

const folder = temporaryFolder('wrk');

/**
 * Posts with wrk, from one thread.
 * @returns successful answers a second
 * @throws Error where an answer was none of success
 */
export async function post(shot: Shot, { connections, seconds }: Load): Promise<number> {
  const script = path.join(folder, 'post.lua');
  const headers = Object.entries(shot.headers).map(([name, value]) => `wrk.headers[${quote(name)}] = ${quote(value)}`);
  writeFileSync(script, ['wrk.method = "POST"', `wrk.body = ${quote(shot.body)}`, ...headers].join('\n'));
  const options = ['-t1', `-c${connections}`, `-d${seconds}`, '-s', script, shot.url];
  const { stdout } = await promisify(execFile)('wrk', options);
  const rate = /Requests\/sec:\s*([\d.]+)/.exec(stdout)?.[1];
  if (rate === undefined || /Non-2xx|Socket errors/.test(stdout)) throw new Error(stdout);
  return Number(rate);
}

/** A string of Lua: its escapes are those of JSON where no character needs \u. */
function quote(text: string): string {
  return JSON.stringify(text);
}

/** How much of the last ten seconds some process waited for a processor. */
export function processorPressure(): string {
  return /some avg10=([\d.]+)/.exec(readFileSync('/proc/pressure/cpu', 'utf8'))?.[1] ?? 'not known';
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
