import { randomUUID } from 'node:crypto';
import { JetStreamApiError, type ApiError } from '@nats-io/jetstream';
import {
  createInbox,
  headers as newHeaders,
  type Msg,
  type MsgHdrs,
  type NatsConnection,
} from '@nats-io/transport-node';

/** A connection as long as it holds: what waits for an answer when it is lost has lost it. */
export interface Link {
  readonly nc: NatsConnection;
  readonly lost: AbortSignal;
}

/** A message that a stream holds. */
export interface StoredMessage {
  readonly sequence: number;
  readonly subject: string;
  /** Milliseconds since 1970, on the server's clock: when it was stored. */
  readonly time: number;
  readonly headers: MsgHdrs;
  readonly data: Uint8Array;
}

/** Some messages of a stream, without a gap among those asked for. */
export interface Page {
  readonly messages: readonly StoredMessage[];
  /** How many more there were behind them. */
  readonly pending: number;
}

/** Which messages, as ADR-31 of NATS names it (https://github.com/nats-io/nats-architecture-and-design). */
export type PageRequest = { readonly batch: number; readonly max_bytes?: number } & (
  { readonly seq: number; readonly next_by_subj: string } | { readonly multi_last: readonly string[] }
);

/** Milliseconds until what is stored has to be acknowledged, and until the next message of a page has to come. */
const STORE_PATIENCE = 5000;
const READ_PATIENCE = 2000;

/**
 * Publishes a message and awaits the server's word that it is stored.
 * @returns its sequence
 * @throws JetStreamApiError as the server refuses it, and as `request` of the client throws
 */
export async function store(
  link: Link,
  subject: string,
  data: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  return sequenceIn(await send(link, subject, data, headers));
}

/** One message of a batch. */
export interface BatchMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Publishes all messages or none (ADR-50). The client's own `startBatch` does this too, but loses the reason of a refusal.
 * @returns the sequence of the last one
 * @throws as `store`
 */
export async function storeBatch(link: Link, messages: readonly BatchMessage[]): Promise<number> {
  const batch = randomUUID();
  for (const [index, { subject, data, headers }] of messages.entries()) {
    const last = index === messages.length - 1;
    const all = {
      ...headers,
      'Nats-Batch-Id': batch,
      'Nats-Batch-Sequence': String(index + 1),
      ...(last ? { 'Nats-Batch-Commit': '1' } : {}),
    };
    if (last) return sequenceIn(await send(link, subject, data, all));
    if (index > 0) link.nc.publish(subject, data, { headers: toHeaders(all) });
    else refusalIn(await send(link, subject, data, all)); // the server answers the first one at once
  }
  throw new TypeError('a batch of no messages');
}

function send(
  { nc, lost }: Link,
  subject: string,
  data: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<Msg> {
  return new Promise((resolve, reject) => {
    const stop = whenLost(lost, reject);
    nc.request(subject, data, { headers: toHeaders(headers), timeout: STORE_PATIENCE })
      .then(resolve, reject)
      .finally(stop);
  });
}

/**
 * Who is to be told of a lost connection. A signal keeps its listeners in a chain, and one that has left it still points
 * to the next: once V8 had taken a single one for old, it kept every request after it until the next great collection.
 */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/** @returns what ends the listening */
function whenLost(lost: AbortSignal, act: (error: Error) => void): () => void {
  const tell = (): void => {
    act(new Error('the connection was lost'));
  };
  const all = listeners.get(lost) ?? listenTo(lost);
  if (lost.aborted) tell();
  else all.add(tell);
  return () => {
    all.delete(tell);
  };
}

function listenTo(lost: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  listeners.set(lost, all);
  const tellAll = (): void => {
    for (const tell of all) tell();
  };
  lost.addEventListener('abort', tellAll, { once: true });
  return all;
}

function toHeaders(named: Readonly<Record<string, string>>): MsgHdrs {
  const made = newHeaders();
  for (const [name, value] of Object.entries(named)) made.set(name, value);
  return made;
}

function refusalIn(answer: Msg): { readonly seq?: number } {
  if (answer.data.length === 0) return {};
  const ack = answer.json<{ readonly seq?: number; readonly error?: ApiError }>();
  if (ack.error !== undefined) throw new JetStreamApiError(ack.error);
  return ack;
}

function sequenceIn(answer: Msg): number {
  const { seq } = refusalIn(answer);
  if (seq === undefined) throw new Error('an answer that does not say where the message is');
  return seq;
}

/**
 * Reads messages of a stream that allows direct access. Nothing is kept on the server, so there is nothing to lose there: the
 * position is the caller's. A reply that ends early or has a gap fails.
 */
export function readPage({ nc, lost }: Link, stream: string, request: PageRequest): Promise<Page> {
  return new Promise((resolve, reject) => {
    const messages: StoredMessage[] = [];
    let previous = 0;
    const subscription = nc.subscribe(createInbox(), {
      callback: (error, message) => {
        timer.refresh();
        if (error !== null) {
          finish(error);
          return;
        }
        const { headers } = message;
        if (headers?.code === 404) finish({ messages, pending: 0 });
        else if (headers?.code === 204) finish({ messages, pending: numberIn(headers, 'Nats-Num-Pending') });
        else if (headers?.code !== 0) finish(new Error(statusOf(headers)));
        else if (numberIn(headers, 'Nats-Last-Sequence') !== previous)
          finish(new Error('a message was lost on its way'));
        else {
          messages.push(toStored(headers, message.data));
          previous = numberIn(headers, 'Nats-Sequence');
        }
      },
    });
    const timer = setTimeout(() => {
      finish(new Error(`no answer within ${READ_PATIENCE / 1000} s`));
    }, READ_PATIENCE);
    const finish = (result: Page | Error): void => {
      stop();
      clearTimeout(timer);
      subscription.unsubscribe();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const stop = whenLost(lost, finish);
    try {
      nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(request), { reply: subscription.getSubject() });
    } catch (error) {
      finish(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function toStored(headers: MsgHdrs, data: Uint8Array): StoredMessage {
  return {
    sequence: numberIn(headers, 'Nats-Sequence'),
    subject: headers.get('Nats-Subject'),
    time: Date.parse(headers.get('Nats-Time-Stamp')),
    headers,
    data,
  };
}

function numberIn(headers: MsgHdrs, name: string): number {
  return Number(headers.get(name));
}

function statusOf(headers: MsgHdrs | undefined): string {
  if (headers?.code === 503) return 'nobody answers for the stream: JetStream is off, or just starting';
  return headers === undefined ? 'an answer without headers' : `${headers.code} ${headers.description}`;
}
