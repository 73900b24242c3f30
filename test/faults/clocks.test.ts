import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { temporaryFolder } from '../servers/lifetime.js';
import { ServiceProcess } from '../servers/service.js';
import { report, verdict } from './figures.js';
import { Load } from './load.js';
import { NAMESPACE } from './requests.js';
import { windowsOf } from './stored.js';

const HOUR = 3_600_000;
const STEPS = ['+0', '-1h', '+1d'];

/** A system clock of the service's own that steps, while its monotonic clock goes on as it should. */
class SteppingClock {
  private readonly file = path.join(temporaryFolder('clock'), 'clock');

  constructor() {
    this.step('+0');
  }

  get settings(): Readonly<Record<string, string>> {
    const library = execFileSync('faketime', ['-f', '+0', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' }).trim();
    return {
      LD_PRELOAD: library,
      FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** @param distance - from the real time: `-1h`, `+1d` */
  step(distance: string): void {
    writeFileSync(this.file, distance);
  }
}

describe('A system clock that steps back an hour, and forward a day', function () {
  this.timeout(120_000);
  const clock = new SteppingClock();
  let service: ServiceProcess;
  let token: string;
  beforeEach(async () => {
    clock.step('+0');
    service = await ServiceProcess.start(clock.settings);
    token = await service.token();
  });
  afterEach(async () => {
    await service.stop();
  });

  it('breaks no identity: what is sent again counts once, and what is not counts each time', async () => {
    const load = new Load(service, 2);
    for (const distance of STEPS) {
      clock.step(distance);
      await track(service, token, 'resent', { timestamp: '2024-01-01T00:00:00Z', id: 'one' });
      await track(service, token, 'received');
      const running = load.run(await service.token());
      await new Promise((resolve) => setTimeout(resolve, 500));
      load.stop();
      await running;
    }
    const latest = await service.token();
    await load.settle(latest);
    const mistakes = await load.findMistakes(latest);
    report(`${STEPS.length - 1} steps of the clock, ${load.book.size} events acknowledged: ${verdict(mistakes)}`);
    expect(mistakes).to.deep.equal([]);
    expect(await countOf(service, 'resent', latest)).to.equal(1);
    expect(await countOf(service, 'received', latest)).to.equal(STEPS.length);
  });

  it('breaks no order: events lie where the clock was when they came', async () => {
    const begun = Date.now();
    for (const distance of STEPS) {
      clock.step(distance);
      await track(service, await service.token(), 'received');
    }
    const events = await windowsOf(service, 'received?granularity=none', await service.token());
    const times = events.map(({ aggregatedTimestamp }) => Date.parse(aggregatedTimestamp));
    expect(times).to.deep.equal([...times].sort((one, other) => one - other));
    expect(times.map((time) => Math.round((time - begun) / HOUR) + 0)).to.deep.equal([-1, 0, 24]);
  });

  it('ends no token that was given before it, used or not', async () => {
    const unused = await service.token();
    for (const distance of STEPS) {
      clock.step(distance);
      await track(service, token, 'allowed');
    }
    await track(service, unused, 'allowed');
    await track(service, await service.token(), 'allowed');
  });
});

async function track(service: ServiceProcess, token: string, name: string, event: object = {}): Promise<void> {
  const response = await fetch(`${service.url}/api/track/`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ namespace: NAMESPACE, name, value: 1, ...event }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`${response.status}: ${text}`);
}

async function countOf(service: ServiceProcess, name: string, token: string): Promise<number> {
  const question = `${name}?granularity=all&aggregationType=count,sum`;
  const [window] = await windowsOf(service, question, token);
  return window?.value.count ?? 0;
}
