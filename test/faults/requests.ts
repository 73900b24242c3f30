import { oneOf } from './random.js';

/** How the events of one kind are told apart, and so what may become of a request without an answer. */
export type Kind = 'ids' | 'samples' | 'keyed' | 'plain';
export const KINDS: readonly Kind[] = ['ids', 'samples', 'keyed', 'plain'];

export const NAMESPACE = 'Faults';

/** A request to track events, which can be sent more than once. */
export interface TrackRequest {
  readonly kind: Kind;
  /** One event each; the value tells it from all others of its kind. */
  readonly values: readonly number[];
  readonly body: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
}

const FEW = 20;
const MANY = 300;
/** Plain, keyed and named events share a few milliseconds, */
const MILLISECONDS = 3;
/** and after so many others: a millisecond has room for a million of a series. */
const EVENTS_IN_MILLISECONDS = 300_000;
const SECOND = 1_700_000_000;

/** Makes requests, no two of them with an event in common. */
export class Requests {
  private serial = 0;

  /** Half of them carry one event, most others a few. */
  next(): TrackRequest {
    const most = oneOf([1, 1, 1, 1, 1, FEW, FEW, FEW, FEW, MANY]);
    return this.of(oneOf(KINDS), 1 + Math.floor(Math.random() * most));
  }

  of(kind: Kind, length: number): TrackRequest {
    const values = Array.from({ length }, () => this.serial++);
    const events = values.map((value) => eventOf(kind, value));
    return {
      kind,
      values,
      body: JSON.stringify(length === 1 ? events[0] : events),
      query: kind === 'samples' ? '?identity=timestamp' : '',
      headers: kind === 'keyed' ? { 'Idempotency-Key': `key-${String(values[0])}` } : {},
    };
  }
}

function eventOf(kind: Kind, value: number): object {
  const event = { namespace: NAMESPACE, name: kind, value, tags: { host: `host-${value % 3}` } };
  if (kind === 'samples') return { ...event, timestamp: SECOND + value / 1000 };
  const first = Math.floor(value / EVENTS_IN_MILLISECONDS) * MILLISECONDS;
  const timestamp = SECOND + (first + (value % MILLISECONDS)) / 1000;
  if (kind === 'ids') return { ...event, timestamp, id: String(value) };
  if (kind === 'keyed') return { ...event, timestamp };
  return value % 2 === 0 ? event : { ...event, timestamp };
}
