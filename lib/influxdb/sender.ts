import http from 'node:http';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { TrackingError } from '../errors.js';
import { failureOf, neverConnected, trackingErrorOf } from './failure.js';

export interface SenderOptions {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
  /** Milliseconds that a connection may be silent before a request counts as unanswered. */
  readonly timeout: number;
}

/** A line that InfluxDB will never take. */
export interface RefusedLine {
  readonly index: number;
  readonly reason: string;
}

interface Answer {
  readonly status: number;
  readonly message: string;
  readonly retryAfter: number | undefined;
}

const FIRST_WAIT = 100;
const LONGEST_WAIT = 5000;

/**
 * Sends lines to InfluxDB, each batch with one awaited request. A batch without an answer may be there in part, for a
 * write is not atomic in InfluxDB: it is sent again, unchanged, until it is answered.
 */
export class Sender {
  private readonly agent: http.Agent;
  private readonly target: URL;
  private readonly request: typeof http.request;
  private readonly closing = new AbortController();

  constructor(private readonly options: SenderOptions) {
    const { url, org, bucket } = options;
    const secure = url.startsWith('https:');
    this.agent = new (secure ? https : http).Agent({ keepAlive: true });
    this.request = secure ? https.request : http.request;
    this.target = new URL(url);
    this.target.pathname = `${this.target.pathname.replace(/\/$/, '')}/api/v2/write`;
    this.target.search = new URLSearchParams({ org, bucket, precision: 'ns' }).toString();
  }

  /**
   * Resolves once InfluxDB has answered for every line; all but those returned are durable.
   * @throws TrackingError `unavailable` where no connection could be made at all, and where InfluxDB refuses us as a
   *   whole (a wrong token, no such bucket)
   */
  async send(lines: readonly string[]): Promise<RefusedLine[]> {
    const refused: RefusedLine[] = [];
    const delivery = { lines, refused, begun: false };
    await this.deliver(delivery, [...lines.keys()]);
    return refused;
  }

  /** Whether InfluxDB takes writes from us: one without any points. */
  async check(): Promise<void> {
    const { status, message, retryAfter } = await this.attempt('').catch((error: unknown) => {
      throw trackingErrorOf(error, this.options.url);
    });
    if (status >= 300) throw failureOf(status, message, retryAfter);
  }

  close(): void {
    this.closing.abort();
    this.agent.destroy();
  }

  private async deliver(delivery: Delivery, indexes: readonly number[]): Promise<void> {
    const { lines, refused } = delivery;
    if (indexes.length === 0) return;
    const { status, message, retryAfter } = await this.exchange(
      delivery,
      indexes.map((index) => lines[index]).join('\n'),
    );
    if (status < 300) return;
    // 400 has stored nothing, 422 all but some; sent again in parts with the same times, every point is there once.
    if (status !== 400 && status !== 413 && status !== 422) throw failureOf(status, message, retryAfter);
    if (indexes.length === 1) {
      refused.push({ index: indexes[0] ?? 0, reason: reasonOf(status, message) });
      return;
    }
    const named = status === 400 ? indexes.filter((index) => message.includes(`'${lines[index] ?? ''}'`)) : [];
    if (named.length > 0 && named.length < indexes.length) {
      for (const index of named) refused.push({ index, reason: reasonOf(status, message) });
      await this.deliver(
        delivery,
        indexes.filter((index) => !named.includes(index)),
      );
      return;
    }
    const middle = Math.ceil(indexes.length / 2);
    await this.deliver(delivery, indexes.slice(0, middle));
    await this.deliver(delivery, indexes.slice(middle));
  }

  /** One answer for a body, however long it takes. */
  private async exchange(delivery: Delivery, body: string): Promise<Answer> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      this.assertOpen();
      let retryAfter: number | undefined;
      try {
        const answer = await this.attempt(body);
        delivery.begun = true;
        if (answer.status !== 429 && answer.status < 500) return answer;
        retryAfter = answer.retryAfter;
      } catch (error) {
        this.assertOpen();
        if (!delivery.begun && neverConnected(error)) throw trackingErrorOf(error, this.options.url);
        delivery.begun = true;
      }
      // With jitter, so that several services do not come back all at once.
      const pause = retryAfter === undefined ? wait * (0.5 + Math.random() / 2) : retryAfter * 1000;
      await sleep(pause, undefined, { signal: this.closing.signal }).catch(() => undefined);
    }
  }

  private attempt(body: string): Promise<Answer> {
    const { token, timeout } = this.options;
    return new Promise((resolve, reject) => {
      const request = this.request(this.target, {
        method: 'POST',
        agent: this.agent,
        signal: this.closing.signal,
        headers: {
          authorization: `Token ${token}`,
          'content-type': 'text/plain; charset=utf-8',
          'content-length': Buffer.byteLength(body),
        },
      });
      request.setTimeout(timeout, () => request.destroy(new Error(`no answer within ${timeout} ms`)));
      request.on('error', reject);
      request.on('response', (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
          resolve({
            status: response.statusCode ?? 0,
            message: messageIn(text),
            retryAfter: seconds > 0 ? seconds : undefined,
          });
        });
      });
      request.end(body);
    });
  }

  private assertOpen(): void {
    if (!this.closing.signal.aborted) return;
    throw new TrackingError('unavailable', 'The store is closed. Events that waited for InfluxDB may be stored.');
  }
}

interface Delivery {
  readonly lines: readonly string[];
  readonly refused: RefusedLine[];
  /** Whether any of it may have reached InfluxDB. */
  begun: boolean;
}

function messageIn(body: string): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // No JSON: a proxy's answer, say.
  }
  return body;
}

/** Why InfluxDB will not take a point, in words for the one who sent it. */
function reasonOf(status: number, message: string): string {
  if (status === 413) return 'InfluxDB finds it too large.';
  if (message.includes('retention policy')) return 'it is older than the bucket keeps points';
  if (message.includes('field type conflict')) {
    return 'another program has written a value of this namespace that is not a float, and InfluxDB allows one type';
  }
  if (message.includes('max-series') || message.includes('max-values')) {
    return 'InfluxDB holds as many series as it may';
  }
  return 'InfluxDB refuses it as a point';
}
