import type { ServiceProcess } from '../servers/service.js';

/** An event as the service gives it back. */
export interface Stored {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** UNIX milliseconds. */
  readonly time: number;
  readonly value: number;
}

interface Row {
  readonly aggregatedTimestamp: string;
  readonly value: number;
  readonly tags?: Readonly<Record<string, string>>;
}

/** All events of a namespace, but for the state of streams. */
export async function storedIn(service: ServiceProcess, namespace: string): Promise<Stored[]> {
  const headers = { Authorization: `Bearer ${await service.token()}` };
  const base = `${service.url}/api/events/${encodeURIComponent(namespace)}/`;
  const names = (await (await fetch(base, { headers })).json()) as { readonly name: string }[];
  const stored: Stored[] = [];
  for (const { name } of names) {
    if (name === 'otel.cumulative') continue;
    const question = `${encodeURIComponent(name)}?granularity=none&limit=10000000`;
    const response = await fetch(base + question, { headers });
    if (!response.ok) throw new Error(await response.text());
    for (const row of (await response.json()) as Row[]) {
      stored.push({ name, tags: row.tags ?? {}, time: Date.parse(row.aggregatedTimestamp), value: row.value });
    }
  }
  return stored;
}

/** The sum of the values of a name, for each combination of the tags. */
export function sums(stored: readonly Stored[], name: string, ...keys: string[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { tags, value } of stored.filter((one) => one.name === name)) {
    const key = keys.map((tag) => tags[tag] ?? '').join(' ');
    sums[key] = (sums[key] ?? 0) + value;
  }
  return sums;
}
