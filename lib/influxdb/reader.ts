import http from 'node:http';
import https from 'node:https';
import { InfluxDB, type ParameterizedQuery } from '@influxdata/influxdb-client';
import { TrackingError, messageOf } from '../errors.js';
import { failureOf, trackingErrorOf } from './failure.js';
import { Gate } from './gate.js';
import { type Row, RowReader } from './rows.js';

export interface ReaderOptions {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  /** Milliseconds to wait for the next bytes of an answer. */
  readonly timeout: number;
  /** Questions under way at once; the others wait in line. */
  readonly concurrency: number;
}

/** Asks InfluxDB in Flux and reads the answers row by row, no faster than they are used. */
export class Reader {
  private readonly agent: http.Agent;
  private readonly gate: Gate;
  private readonly underWay = new Set<AbortController>();
  private closed = false;

  constructor(private readonly options: ReaderOptions) {
    const secure = options.url.startsWith('https:');
    this.agent = new (secure ? https : http).Agent({ keepAlive: true });
    this.gate = new Gate(options.concurrency);
  }

  /**
   * The rows of an answer, table by table. Returning early, or aborting, ends the query in InfluxDB.
   * @throws TrackingError `unavailable`, or `unprocessable` where InfluxDB can't run the query over what it holds
   */
  async *rows(query: ParameterizedQuery, signal?: AbortSignal): AsyncGenerator<Row, void, undefined> {
    await this.gate.enter();
    try {
      yield* this.ask(query, signal);
    } finally {
      this.gate.leave();
    }
  }

  close(): void {
    this.closed = true;
    for (const controller of this.underWay) controller.abort();
    this.agent.destroy();
  }

  private async *ask(query: ParameterizedQuery, signal: AbortSignal | undefined): AsyncGenerator<Row, void, undefined> {
    this.assertOpen();
    if (signal?.aborted) return;
    const controller = new AbortController();
    const abort = () => {
      controller.abort();
    };
    const patience = new Patience(this.options.timeout, abort);
    signal?.addEventListener('abort', abort, { once: true });
    this.underWay.add(controller);
    const reader = new RowReader();
    try {
      const lines = this.lines(query, controller.signal)[Symbol.asyncIterator]();
      try {
        for (;;) {
          patience.begin();
          const next = await lines.next();
          patience.end();
          if (next.done === true) break;
          const row = reader.read(next.value);
          if (row) yield row;
        }
      } finally {
        await lines.return?.();
      }
      if (reader.error !== undefined) throw failureOf(400, reader.error, undefined);
    } catch (error) {
      this.assertOpen();
      if (patience.lost) {
        throw new TrackingError('unavailable', 'InfluxDB did not answer in time.', { retryAfter: 5, cause: error });
      }
      throw this.explain(error);
    } finally {
      patience.stop();
      this.underWay.delete(controller);
      signal?.removeEventListener('abort', abort);
    }
  }

  // The client hands a signal to its requests only by way of its transport's options, so each query has its own.
  private lines(query: ParameterizedQuery, signal: AbortSignal): AsyncIterable<string> {
    const { url, token, org } = this.options;
    const client = new InfluxDB({ url, token, timeout: 0, transportOptions: { agent: this.agent, signal } });
    return client.getQueryApi(org).iterateLines(query);
  }

  private explain(error: unknown): TrackingError {
    const failure = trackingErrorOf(error, this.options.url);
    return failure.code === 'unprocessable' && isAboutBucket(error)
      ? failureOf(404, messageOf(error), undefined)
      : failure;
  }

  private assertOpen(): void {
    if (this.closed) throw new TrackingError('unavailable', 'The store is closed.');
  }
}

function isAboutBucket(error: unknown): boolean {
  return messageOf(error).includes('could not find bucket');
}

/** Notices that an answer has kept us waiting too long, at the price of one slow timer. */
class Patience {
  lost = false;
  private since: number | undefined;
  private readonly timer: NodeJS.Timeout;

  constructor(timeout: number, lose: () => void) {
    this.timer = setInterval(
      () => {
        if (this.since === undefined || performance.now() - this.since < timeout) return;
        this.lost = true;
        lose();
      },
      Math.min(1000, timeout),
    );
  }

  begin(): void {
    this.since ??= performance.now();
  }

  end(): void {
    this.since = undefined;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
