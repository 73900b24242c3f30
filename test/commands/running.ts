import { execFile } from 'node:child_process';
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
