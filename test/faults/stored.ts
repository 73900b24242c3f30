import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import type { ServiceProcess } from '../servers/service.js';
import { NAMESPACE } from './requests.js';

/** Resolves once nothing that was accepted waits in a queue any more; without a queue, and ready, at once. */
export async function caughtUp(service: ServiceProcess): Promise<void> {
  for (;;) {
    const response = await fetch(`${service.url}/ready`);
    const text = await response.text();
    if (response.ok && !text.includes('wait for the store')) return;
    await setTimeout(200);
  }
}

/**
 * The values of all events of a name, as the store has them.
 * @param range - such as `&tsMin=-1d`; left out: all there are
 */
export async function storedValues(
  service: ServiceProcess,
  name: string,
  token: string,
  range = '',
): Promise<number[]> {
  const question = `${encodeURIComponent(name)}?granularity=none&limit=10000000${range}`;
  const response = await ask(service, question, token, 'application/x-ndjson');
  const values: number[] = [];
  if (response.body === null) return values;
  for await (const line of createInterface({ input: Readable.fromWeb(response.body) })) {
    if (line !== '') values.push((JSON.parse(line) as { value: number }).value);
  }
  return values;
}

/** A window, and its aggregates by type. */
interface StoredWindow {
  readonly aggregatedTimestamp: string;
  readonly value: Readonly<Record<string, number>>;
}

/** @param question - a name and the parameters, several aggregation types among them */
export async function windowsOf(service: ServiceProcess, question: string, token: string): Promise<StoredWindow[]> {
  const response = await ask(service, question, token, 'application/json');
  return (await response.json()) as StoredWindow[];
}

async function ask(service: ServiceProcess, question: string, token: string, type: string): Promise<Response> {
  const response = await fetch(`${service.url}/api/events/${NAMESPACE}/${question}`, {
    headers: { Authorization: `Bearer ${token}`, Accept: type },
  });
  if (!response.ok) throw new Error(`${response.status} to ${question}: ${await response.text()}`);
  return response;
}
