import { expect } from 'chai';
import fc from 'fast-check';
import { forgetPeak, peakOf, residentOf } from '../faults/memory.js';
import { ServiceProcess } from '../servers/service.js';
import { eventFormats } from './hostile/events.js';
import { lineFormats } from './hostile/lines.js';
import { openTelemetryFormats } from './hostile/opentelemetry.js';
import { remoteWriteFormats } from './hostile/remote-write.js';
import type { HostileRequest } from './hostile/request.js';

const CASES = Number(process.env.TRACKING_CASES ?? 100);
/** 50 MB, in the MiB that the system counts in. */
const MOST = 50e6 / 2 ** 20;
/** So often comes what is ordinary, on so many connections. */
const ROUNDS = 3;
const CONNECTIONS = 4;

const FORMATS = [...lineFormats, ...openTelemetryFormats, ...remoteWriteFormats, ...eventFormats];

interface Answer {
  readonly status: number;
  readonly words: string;
}

describe('malformed, cut and hostile bodies', () => {
  let service: ServiceProcess;
  let token: string;
  /** The most that a service has resident for ordinary requests of every format, in MiB. */
  let usual: number;

  beforeEach('a service in use', async function () {
    this.timeout(120_000);
    service = await ServiceProcess.start();
    token = await service.token();
    forgetPeak(service.pid);
    for (let round = 0; round < ROUNDS; round++) {
      const queue = FORMATS.flatMap(({ ordinary }) => ordinary).values();
      const connection = async (): Promise<void> => {
        for (const request of queue) expect((await post(request)).status).to.be.below(300);
      };
      await Promise.all(Array.from({ length: CONNECTIONS }, connection));
    }
    // Not what it has at the end of them: V8 may have given memory back at any time, and takes it again.
    usual = peakOf(service.pid);
  });
  afterEach(() => service.stop());

  async function post({ path, headers, body }: Omit<HostileRequest, 'broken'>): Promise<Answer> {
    const all = { authorization: `Bearer ${token}`, ...headers };
    const response = await fetch(service.url + path, { method: 'POST', headers: all, body: new Uint8Array(body) });
    return { status: response.status, words: await response.text() };
  }

  for (const { name, hostile } of FORMATS) {
    it(`in ${name} are a 4xx in words, and cost no memory (${CASES} of them)`, async function () {
      this.timeout(120_000 + CASES * 200);
      const statuses = new Map<number, number>();
      forgetPeak(service.pid);
      const atFirst = residentOf(service.pid);
      let most = atFirst;
      let steepest = { rise: 0, seen: '' };
      const property = fc.asyncProperty(hostile, async (request) => {
        const { status, words } = await post(request);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const seen = `${JSON.stringify(request.headers)} ${Buffer.from(request.body.subarray(0, 200)).toString()}\n${status} ${words.slice(0, 200)}`;
        expect(status, seen).to.be.within(request.broken ? 400 : 200, 499);
        expect(words.length, seen).to.be.below(20_000);
        const peak = peakOf(service.pid);
        if (peak - most > steepest.rise) steepest = { rise: peak - most, seen };
        most = Math.max(most, peak);
      });
      await fc.assert(property, { numRuns: CASES, endOnFailure: true });
      if (process.env.TRACKING_CASES !== undefined) {
        const answered = [...statuses].sort().map(([status, count]) => `${count} × ${status}`);
        console.log(`      ${answered.join(', ')}; ${[usual, atFirst, most].map(Math.round).join(', ')} MiB`);
      }
      const seen = `ordinary ${usual} MiB, ${atFirst} at first, ${most} at most, after ${steepest.rise} for ${steepest.seen}`;
      expect(most - usual, seen).to.be.below(MOST);
      expect(service.log).not.to.include('"level":"error"');
    });
  }
});
