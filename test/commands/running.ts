import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Archive, identityText } from '../../lib/archive.js';
import { CLI, type ServiceProcess } from '../servers/service.js';

const run = promisify(execFile);

/** Runs a command of the command line to its end, beside a service or without one. */
export async function tracking(
  settings: Readonly<Record<string, string>>,
  ...command: string[]
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  return run(process.execPath, [CLI, ...command], { env: { ...process.env, ...settings }, maxBuffer: 2 ** 26 });
}

/** What a command said on standard error when it ended with exit code 1. */
export async function refusal(settings: Readonly<Record<string, string>>, ...command: string[]): Promise<string> {
  const failed = (await tracking(settings, ...command).catch((error: unknown) => error)) as {
    readonly code?: number;
    readonly stderr?: string;
  };
  return failed.code === 1 ? (failed.stderr ?? '') : 'did not fail';
}

/**
 * Imports a file until some of it is stored, and interrupts then.
 * @throws Error where all of it was stored before
 */
export async function interrupted(settings: Readonly<Record<string, string>>, file: string): Promise<void> {
  const child = spawn(process.execPath, [CLI, 'import', file], { env: { ...process.env, ...settings } });
  const exited = once(child, 'exit');
  // At once, and not in turn with what else the tests of this process have to do with files.
  while (progressIn(settings) === undefined && child.exitCode === null) await setTimeout(2);
  child.kill('SIGINT');
  await exited;
  if (progressIn(settings) === undefined)
    throw new Error(`All of ${file} was imported before it could be interrupted.`);
}

/** The file that says how far an interrupted import has come. */
export function progressIn({ DATA_DIR = '' }: Readonly<Record<string, string>>): string | undefined {
  const name = existsSync(DATA_DIR) && readdirSync(DATA_DIR).find((found) => /^import-\w+\.json$/.test(found));
  return name ? join(DATA_DIR, name) : undefined;
}

/** Sends events over HTTP. */
export async function track(service: ServiceProcess, events: readonly unknown[], query = ''): Promise<void> {
  const response = await fetch(`${service.url}/api/track/${query}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await service.token()}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(events),
  });
  if (response.status !== 201) throw new Error(await response.text());
}

/** Each point of a file as a line of text that ends with its identity, sorted. */
export async function linesOf(archive: Archive, path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const points of archive.read(path)) {
    for (const { series, time, value, identity } of points) {
      lines.push([series.key.replaceAll('\0', '|'), time, value, identityText(identity)].join(' '));
    }
  }
  return lines.sort();
}
