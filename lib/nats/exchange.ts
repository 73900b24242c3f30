import { JetStreamApiError, type ApiError } from '@nats-io/jetstream';
import { createInbox, headers as newHeaders, type Msg, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';

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
  | { readonly seq: number; readonly next_by_subj: string }
  | { readonly multi_last: readonly string[] }
);

/** Milliseconds for an answer, or for the next part of it. */
export const PATIENCE = 5000;

/**
 * Publishes a message and awaits the server's word that it is stored.
 * @returns its sequence
 * @throws JetStreamApiError as the server refuses it, and as `request` of the client throws
 */
export async function store(
  nc: NatsConnection,
  subject: string,
  data: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  return sequenceIn(await send(nc, subject, data, headers));
}

/** One message of a batch. */
export interface BatchMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Publishes all messages or none (ADR-50). The client's own `startBatch` does this too, but loses the reason of a refusal.
 * @throws as `store`
 */
export async function storeBatch(nc: NatsConnection, messages: readonly BatchMessage[]): Promise<void> {
  const batch = createInbox().slice(-22);
  for (const [index, { subject, data, headers }] of messages.entries()) {
    const last = index === messages.length - 1;
    const all = {
      ...headers,
      'Nats-Batch-Id': batch,
      'Nats-Batch-Sequence': String(index + 1),
      ...(last ? { 'Nats-Batch-Commit': '1' } : {}),
    };
    if (last) sequenceIn(await send(nc, subject, data, all));
    else if (index > 0) nc.publish(subject, data, { headers: toHeaders(all) });
    else refusalIn(await send(nc, subject, data, all)); // the server answers the first one at once
  }
}

function send(
  nc: NatsConnection,
  subject: string,
  data: Uint8Array,
  headers: Readonly<Record<string, string>>,
): Promise<Msg> {
  return nc.request(subject, data, { headers: toHeaders(headers), timeout: PATIENCE });
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
export function readPage(nc: NatsConnection, stream: string, request: PageRequest): Promise<Page> {
  return new Promise((resolve, reject) => {
    const messages: StoredMessage[] = [];
    let previous = 0;
    const subscription = nc.subscribe(createInbox(), {
      callback: (error, message) => {
        timer.refresh();
        if (error !== null) finish(error);
        else if (message.headers?.code === 404) finish({ messages, pending: 0 });
        else if (message.headers?.code === 204) finish({ messages, pending: numberIn(message, 'Nats-Num-Pending') });
        else if (message.headers === undefined || message.headers.code !== 0) finish(new Error(statusOf(message)));
        else if (numberIn(message, 'Nats-Last-Sequence') !== previous) finish(new Error('a message was lost on its way'));
        else {
          const stored = toStored(message, message.headers);
          previous = stored.sequence;
          messages.push(stored);
        }
      },
    });
    const timer = setTimeout(() => {
      finish(new Error(`no answer within ${PATIENCE / 1000} s`));
    }, PATIENCE);
    const finish = (result: Page | Error): void => {
      clearTimeout(timer);
      subscription.unsubscribe();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    try {
      nc.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(request), { reply: subscription.getSubject() });
    } catch (error) {
      finish(error instanceof Error ? error : new Error(String(error)));
    }
  });
}

function toStored({ data }: Msg, headers: MsgHdrs): StoredMessage {
  return {
    sequence: Number(headers.get('Nats-Sequence')),
    subject: headers.get('Nats-Subject'),
    time: Date.parse(headers.get('Nats-Time-Stamp')),
    headers,
    data,
  };
}

function numberIn({ headers }: Msg, name: string): number {
  return Number(headers?.get(name) ?? Number.NaN);
}

function statusOf({ headers }: Msg): string {
  if (headers?.code === 503) return 'nobody answers for the stream: JetStream is off, or just starting';
  return headers === undefined ? 'an answer without headers' : `${headers.code} ${headers.description}`;
}
