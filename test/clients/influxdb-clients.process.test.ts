import { InfluxDB, Point, setLogger } from '@influxdata/influxdb-client';
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { run } from '../servers/program.js';
import { APPLICATION, ServiceProcess } from '../servers/service.js';
import { getGoClient, getPythonClient } from './programs.js';

const COUNT = 3000;
const TOKEN = `${APPLICATION.id}:${APPLICATION.secret}`;

/** Sends the numbers below `COUNT`, and resolves to those that it gave up. */
type Client = (url: string) => Promise<readonly number[]>;

/** A program that does so. */
function programs(get: () => Promise<string>): Client {
  return async (url) => {
    const output = await run(await get(), [url, TOKEN, String(COUNT)], { folder: '/' });
    return (JSON.parse(output) as { lost: number[] }).lost;
  };
}

const javaScript: Client = async (url) => {
  const logger = setLogger({ error: () => undefined, warn: () => undefined });
  const lost: number[] = [];
  let written = 0;
  const giveUp = (lines: readonly string[]): void => {
    lost.push(...lines.map((line) => Number(/number=(\d+)/.exec(line)?.[1])));
  };
  const api = new InfluxDB({ url, token: TOKEN }).getWriteApi('any', 'any', 's', {
    batchSize: 100,
    flushInterval: 100,
    gzipThreshold: 100,
    minRetryDelay: 200,
    retryJitter: 0,
    maxRetryDelay: 1000,
    maxRetries: 200,
    maxRetryTime: 120_000,
    writeSuccess: (lines) => {
      written += lines.length;
    },
    writeRetrySkipped: ({ lines }) => {
      giveUp(lines);
    },
  });
  for (let number = 0; number < COUNT; number++) {
    const point = new Point('client').tag('language', 'javascript').floatField('number', number);
    api.writePoint(point.timestamp(1605179400 + number));
    await sleep(3);
  }
  // What is under way when it closes, and fails then, it drops without a word.
  while (written + lost.length < COUNT) {
    await api.flush(true).catch(() => undefined);
    await sleep(20);
  }
  await api.close();
  setLogger(logger);
  return lost;
};

const CLIENTS: Readonly<Record<string, { readonly send: Client; readonly get?: () => Promise<string> }>> = {
  JavaScript: { send: javaScript },
  Python: { send: programs(getPythonClient), get: getPythonClient },
  Go: { send: programs(getGoClient), get: getGoClient },
};

describe("InfluxDB's clients send here", () => {
  for (const [language, { send, get }] of Object.entries(CLIENTS)) {
    it(`from ${language}, all and once, while the service is killed and started again`, async function () {
      this.timeout('10m'); // the client may have to be fetched and built
      await get?.();
      const service = await ServiceProcess.start();
      const authorization = `Bearer ${await service.token()}`;
      const numbers = async (): Promise<number[]> => {
        const path = '/api/events/client/number?granularity=none&limit=10000';
        const answer = await fetch(service.url + path, { headers: { authorization } });
        return ((await answer.json()) as { value: number }[]).map(({ value }) => value);
      };
      const sending = send(service.url);
      for (const share of [0.1, 0.4]) {
        while ((await numbers()).length < COUNT * share) await sleep(20);
        await service.kill();
        await service.restart();
      }
      const lost = new Set(await sending);
      const stored = await numbers();
      const all = Array.from({ length: COUNT }, (_, number) => number);
      expect(stored.filter((number, index) => number === stored[index - 1])).to.deep.equal([]);
      expect(stored).to.deep.equal(all.filter((number) => stored.includes(number)));
      expect(all.filter((number) => !stored.includes(number) && !lost.has(number))).to.deep.equal([]);
      expect([...lost], 'given up by the client').to.deep.equal([]);
      await service.stop();
    });
  }
});
