import { expect } from 'chai';
import { formatCount, report } from './figures.js';
import { lengthOf } from './length.js';
import { NAMESPACE } from './requests.js';
import { type SetupName, SETUPS } from './setups.js';
import { type Call, Trace } from './trace.js';

export const ANSWERS = lengthOf({ full: 1000, short: 20 });
export const TIMEOUT = 120_000 + ANSWERS * 1000;

/** How a program's work for one request looks in its system calls. */
interface Durability {
  /** What it reads when a write arrives. */
  readonly request: RegExp;
  /** The file that has to be synced. */
  readonly file: RegExp;
  /** What it writes when it answers. */
  readonly answer: RegExp;
}

/** For each set-up the programs that make an event durable before it is acknowledged. */
const DURABILITY: Readonly<Record<SetupName, Readonly<Record<string, Durability>>>> = {
  embedded: {
    service: { request: /"POST \/api\/track\//, file: /events\.duckdb\.wal>/, answer: /HTTP\/1\.1 201 / },
  },
  influxdb: {
    // A Go server may read the first byte by itself.
    influxd: { request: /"P?OST \/api\/v2\/write/, file: /\/wal\/.*\.wal>/, answer: /HTTP\/1\.1 204 / },
  },
  nats: {
    // One read or write may hold several messages, those of the positions among them, and parts of messages.
    'nats-server': {
      request: /Tracking-(?:Kind: points|Events: )/,
      file: /\/streams\/tracking\/.*\.blk>/,
      answer: /\{\\"stream\\":\\"tracking\\"/,
    },
  },
};

interface Exchange {
  /** Milliseconds since 1970. */
  readonly sent: number;
  readonly answered: number;
}

/** Sends one event at a time, and looks for a sync between the arrival and the answer of each. */
export async function expectSyncs(name: SetupName): Promise<void> {
  const setup = await SETUPS[name]();
  const token = await setup.service.token();
  for (const [program, durability] of Object.entries(DURABILITY[name])) {
    // The first makes files.
    await track(setup.service.url, token, -1);
    const trace = await Trace.of(setup.parts[program]?.pid);
    const exchanges: Exchange[] = [];
    for (let value = 0; value < ANSWERS; value++) exchanges.push(await track(setup.service.url, token, value));
    const calls = await trace.stop();
    const synced = exchanges.filter((exchange) => isSynced(exchange, calls, durability));
    report(`${program} on ${name}: a sync before ${formatCount(synced.length)} of ${formatCount(ANSWERS)} answers`);
    expect(synced.length).to.equal(ANSWERS);
  }
  await setup.stop();
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

/** Whether a sync of the file began after the request was read, and ended well before the answer was written. */
function isSynced({ sent, answered }: Exchange, calls: readonly Call[], durability: Durability): boolean {
  const during = calls.filter(({ start, end }) => end >= sent && start <= answered);
  const arrival = during.find(({ name, text }) => /^(read|recv)/.test(name) && durability.request.test(text));
  const answer = during.find(
    ({ name, start, text }) =>
      /^(write|send)/.test(name) && durability.answer.test(text) && start >= (arrival?.end ?? Infinity),
  );
  if (arrival === undefined || answer === undefined) return false;
  return during.some(
    ({ name, start, end, text }) =>
      /^f(data)?sync$/.test(name) &&
      durability.file.test(text) &&
      / = 0( <[\d.]+>)?$/.test(text) &&
      start >= arrival.end &&
      end <= answer.start,
  );
}
