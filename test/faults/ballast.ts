import { setTimeout } from 'node:timers/promises';
import type { ServiceProcess } from '../servers/service.js';
import { NAMESPACE } from './requests.js';
import { windowsOf } from './stored.js';

const BATCH = 10_000;
const NAME = 'ballast';
/** 2023-11-14T22:13:00Z, the start of a minute. */
const START = 1_699_999_980;
const PER_MINUTE = 60_000;

/**
 * Many events that fill the store's log: samples a millisecond apart in requests of ten thousand, each sent until it is
 * acknowledged. Their values do not compress, so that a checkpoint needs room for them in the file.
 */
export class Ballast {
  /** What was said instead of taking it, the last time. */
  refusal = '';
  private sent = 0;

  constructor(private readonly service: ServiceProcess) {}

  get size(): number {
    return this.sent;
  }

  /**
   * Sends one request.
   * @returns whether it was acknowledged; where not, the next one is the same
   */
  async send(token: string): Promise<boolean> {
    const events = Array.from({ length: BATCH }, (_, index) => {
      const number = this.sent + index;
      return { namespace: NAMESPACE, name: NAME, value: valueOf(number), timestamp: START + number / 1000 };
    });
    const response = await fetch(`${this.service.url}/api/track/?identity=timestamp`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(events),
    }).catch(() => undefined);
    const text = await response?.text().catch(() => undefined);
    if (response !== undefined && response.status < 500 && response.status !== 201) throw new Error(text);
    if (response?.status === 201) this.sent += BATCH;
    else this.refusal = text ?? '';
    return response?.status === 201;
  }

  /** Sends until the request under way is acknowledged. */
  async settle(token: string): Promise<void> {
    while (!(await this.send(token))) await setTimeout(50);
  }

  /** @returns a sentence where the events of a minute are not all there exactly once */
  async findMistakes(token: string): Promise<string[]> {
    const question = `${NAME}?granularity=minute&aggregationType=count,sum&limit=100000`;
    const windows = await windowsOf(this.service, question, token);
    const mistakes: string[] = [];
    for (let first = 0; first < this.sent; first += PER_MINUTE) {
      const expected = Math.min(PER_MINUTE, this.sent - first);
      let sum = 0;
      for (let number = first; number < first + expected; number++) sum += valueOf(number);
      const found = windows[first / PER_MINUTE]?.value;
      // One event for another would change the sum by about a hundred-thousandth.
      if (found?.count !== expected || Math.abs((found.sum ?? 0) - sum) > sum * 1e-9) {
        mistakes.push(
          `ballast from ${first}: ${found?.count ?? 0} of ${expected} events, sum ${found?.sum ?? 0} of ${sum}`,
        );
      }
    }
    return mistakes;
  }
}

/** A number from 0 to 1 for each event, as good as random in all its 53 bits. */
function valueOf(number: number): number {
  return (mixed(number) * 2 ** 21 + (mixed(~number) >>> 11)) / 2 ** 53;
}

/** 32 bits, mixed as MurmurHash3 does. */
function mixed(bits: number): number {
  const half = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  const whole = Math.imul(half ^ (half >>> 13), 0xc2b2ae35);
  return (whole ^ (whole >>> 16)) >>> 0;
}
