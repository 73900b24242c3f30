import http from 'node:http';
import https from 'node:https';
import { InfluxDB, type ParameterizedQuery } from '@influxdata/influxdb-client';
import { TrackingError, messageOf } from '../errors.js';
import { failureOf, trackingErrorOf } from './failure.js';
import type { Gate } from './gate.js';
import { Answer } from './answer.js';
import type { Row } from './rows.js';

export interface ReaderOptions {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  /** Milliseconds to wait for the next bytes of an answer. */
  readonly timeout: number;
  /** Where questions wait for their turn. */
  readonly gate: Gate;
}

/** Asks InfluxDB in Flux and reads the answers row by row, no faster than they are used. */
export class Reader {
  private readonly agent: http.Agent;
  private readonly underWay = new Set<AbortController>();
  private closed = false;

  constructor(private readonly options: ReaderOptions) {
    const secure = options.url.startsWith('https:');
    this.agent = new (secure ? https : http).Agent({ keepAlive: true });
  }

  /** The rows of an answer, one by one; see `batches`. */
  async *rows(query: ParameterizedQuery, signal?: AbortSignal): AsyncGenerator<Row, void, undefined> {
    for await (const batch of this.batches(query, signal)) yield* batch;
  }

  /**
   * The rows of an answer, table by table, some hundreds at a time. Returning early, or aborting, ends the query in
   * InfluxDB.
   * @throws TrackingError `unavailable`, or `unprocessable` where InfluxDB can't run the query over what it holds
   */
  async *batches(query: ParameterizedQuery, signal?: AbortSignal): AsyncGenerator<readonly Row[], void, undefined> {
    await this.options.gate.enter();
    try {
      yield* this.ask(query, signal);
    } finally {
      this.options.gate.leave();
    }
  }

  /**
   * As `batches`, for a reader that may be slow: once the first rows are there InfluxDB's work is mostly done, and the
   * next question may begin. Else a few clients that stop reading would hold up all others.
   */
  async *unhurried(query: ParameterizedQuery, signal: AbortSignal): AsyncGenerator<readonly Row[], void, undefined> {
    await this.options.gate.enter();
    let waiting = true;
    try {
      for await (const batch of this.ask(query, signal)) {
        if (waiting) this.options.gate.leave();
        waiting = false;
        yield batch;
      }
    } finally {
      if (waiting) this.options.gate.leave();
    }
  }

  close(): void {
    this.closed = true;
    for (const controller of this.underWay) controller.abort();
    this.agent.destroy();
  }

  private async *ask(
    query: ParameterizedQuery,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<readonly Row[], void, undefined> {
    this.assertOpen();
    if (signal?.aborted === true) return;
    const ending = new AbortController();
    const end = () => {
      ending.abort();
    };
    signal?.addEventListener('abort', end, { once: true });
    this.underWay.add(ending);
    try {
      const answer = this.begin(query, ending.signal);
      for (;;) {
        const batch = await answer.fetch(this.options.timeout);
        if (batch === undefined) return;
        yield batch;
      }
    } catch (error) {
      this.assertOpen();
      throw this.explain(error);
    } finally {
      end();
      this.underWay.delete(ending);
      signal?.removeEventListener('abort', end);
    }
  }

  private begin(query: ParameterizedQuery, signal: AbortSignal): Answer {
    const { url, token, org } = this.options;
    // The client hands a signal to its requests only by way of its transport's options, so each query has its own.
    const client = new InfluxDB({ url, token, timeout: 0, transportOptions: { agent: this.agent, signal } });
    const answer = new Answer();
    client.getQueryApi(org).queryLines(query, answer.observer);
    return answer;
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
