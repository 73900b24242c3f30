import { expect } from 'chai';
import { formatCount, report } from './figures.js';
import { lengthOf } from './length.js';
import { NAMESPACE } from './requests.js';
import { type SetupName, SETUPS } from './setups.js';
import { type Call, Trace } from './trace.js';

export const ANSWERS = lengthOf({ full: 1000, short: 20 });
export const TIMEOUT = 120_000 + ANSWERS * 1000;

/** For each set-up what makes an event durable before it is acknowledged: a program, and the file that it syncs. */
const DURABLE: Readonly<Record<SetupName, { readonly program: string; readonly file: RegExp }>> = {
  embedded: { program: 'service', file: /events\.duckdb\.wal>/ },
  influxdb: { program: 'influxd', file: /\/wal\/.*\.wal>/ },
  nats: { program: 'nats-server', file: /\/streams\/tracking\/.*\.blk>/ },
};

const SUCCEEDED = / = 0( <[\d.]+>)?$/;

interface Exchange {
  /** Milliseconds since 1970. */
  readonly sent: number;
  readonly answered: number;
}

/** Sends one event at a time, and looks between the arrival and the answer of each for its write to the disk. */
export async function expectSyncs(name: SetupName): Promise<void> {
  const setup = await SETUPS[name]();
  const { service, parts } = setup;
  const { program, file } = DURABLE[name];
  const token = await service.token();
  // The first makes files.
  await track(service.url, token, -1);
  const trace = await Trace.of([...new Set([service.pid, parts[program]?.pid])]);
  const exchanges: Exchange[] = [];
  for (let value = 0; value < ANSWERS; value++) exchanges.push(await track(service.url, token, value));
  // The client may have an answer before strace has written down that it was sent; not once another has come after it.
  await track(service.url, token, ANSWERS);
  const calls = await trace.stop();
  const synced = exchanges.filter((exchange) => isSynced(exchange, calls, file));
  report(`${name}: ${program} had synced before ${formatCount(synced.length)} of ${formatCount(ANSWERS)} answers`);
  await setup.stop();
  expect(synced.length).to.equal(ANSWERS);
}

async function track(url: string, token: string, value: number): Promise<Exchange> {
  const sent = performance.timeOrigin + performance.now();
  const response = await fetch(`${url}/api/track/`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ namespace: NAMESPACE, name: 'synced', value }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(text);
  return { sent, answered: performance.timeOrigin + performance.now() };
}

/**
 * Whether the service read the request, then the file was written to, then synced, and then the service answered. A sync
 * alone may be a late one for the event before.
 */
function isSynced({ sent, answered }: Exchange, calls: readonly Call[], file: RegExp): boolean {
  const during = calls.filter(({ start, end }) => end >= sent && start <= answered);
  const after = (time: number, isWanted: (call: Call) => boolean): number =>
    during.find((call) => call.start >= time && isWanted(call))?.end ?? Infinity;
  const arrived = after(0, ({ name, text }) => /^(read|recv)/.test(name) && text.includes('"POST /api/track/'));
  const written = after(arrived, ({ name, text }) => /^p?write/.test(name) && file.test(text));
  const synced = after(
    written,
    ({ name, text }) => /^f(data)?sync$/.test(name) && file.test(text) && SUCCEEDED.test(text),
  );
  return after(synced, ({ name, text }) => /^(write|send)/.test(name) && text.includes('HTTP/1.1 201 ')) < Infinity;
}
