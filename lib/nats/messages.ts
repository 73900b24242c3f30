import type { Selection } from '../aggregation.js';
import { TrackingError } from '../errors.js';
import { type Identity, ITSELF, type Point, SAMPLE, type Series, seriesOf, type Tags } from '../event.js';

/** What one message may hold. */
export interface MessageLimits {
  readonly maxBytes: number;
  readonly maxEvents: number;
}

/** Points on their way, each series written out once. */
export interface EncodedPoints {
  readonly data: Uint8Array;
  readonly events: number;
}

type SeriesText = readonly [namespace: string, name: string, tags: Tags];

/** The time in nanoseconds, and what `identityText` makes of the identity where there is one. */
type PointText = readonly [series: number, time: string, value: number, identity?: string];

interface Body {
  readonly series: readonly SeriesText[];
  readonly points: readonly PointText[];
}

/** Of a message or a delivery; a message names each series once, and a store each time. */
export const MAX_WEIGHT = 8 * 1024 * 1024;

/** What a point of the series takes in line protocol, in characters, about. */
export function weightOf({ key }: Series): number {
  return key.length + 60;
}

/** Room for what stands around the series and the points. */
const FRAME = 64;

/**
 * Encodes points as JSON, in as many messages as the limits ask for, in their order.
 * @throws TrackingError `too-large` where a single point does not fit into a message
 */
export function encodePoints(points: readonly Point[], limits: MessageLimits): EncodedPoints[] {
  const messages: EncodedPoints[] = [];
  let open = new OpenMessage(limits);
  for (const point of points) {
    if (open.add(point)) continue;
    messages.push(open.close());
    open = new OpenMessage(limits);
    if (!open.add(point)) {
      throw new TrackingError(
        'too-large',
        `An event does not fit into a message of ${limits.maxBytes} bytes: raise max_payload of the NATS server.`,
      );
    }
  }
  if (open.events > 0) messages.push(open.close());
  return messages;
}

class OpenMessage {
  events = 0;
  private readonly indexes = new Map<string, number>();
  private readonly series: string[] = [];
  private readonly points: string[] = [];
  private bytes = FRAME;
  private weight = 0;

  constructor(private readonly limits: MessageLimits) {}

  /** @returns false where there is no room left; then the message is as it was */
  add({ series, time, value, identity }: Point): boolean {
    if (this.events >= this.limits.maxEvents) return false;
    const known = this.indexes.get(series.key);
    const seriesText = known === undefined ? textOf(series) : '';
    const index = known ?? this.series.length;
    const who = identityText(identity);
    const text = `[${index},"${String(time)}",${value}${who === '' ? '' : `,"${who}"`}]`;
    const bytes = text.length + 1 + (seriesText === '' ? 0 : Buffer.byteLength(seriesText) + 1);
    const weight = weightOf(series);
    if (this.bytes + bytes > this.limits.maxBytes || this.weight + weight > MAX_WEIGHT) return false;
    if (known === undefined) {
      this.indexes.set(series.key, index);
      this.series.push(seriesText);
    }
    this.points.push(text);
    this.bytes += bytes;
    this.weight += weight;
    this.events++;
    return true;
  }

  close(): EncodedPoints {
    const text = `{"series":[${this.series.join(',')}],"points":[${this.points.join(',')}]}`;
    return { data: Buffer.from(text), events: this.events };
  }
}

function textOf({ namespace, name, tags }: Series): string {
  return JSON.stringify([namespace, name, tags]);
}

/** The points of a message, as they were published. */
export function decodePoints(data: Uint8Array): Point[] {
  const { series, points } = JSON.parse(Buffer.from(data).toString()) as Body;
  const known = series.map(([namespace, name, tags]) => seriesOf(namespace, name, tags));
  return points.map(([index, time, value, identity]) => {
    const own = known[index];
    if (own === undefined) throw new Error(`a point of series ${index}, and there are ${known.length}`);
    return { series: own, time: BigInt(time), value, identity: identityIn(identity) };
  });
}

/** An identity in a few characters: nothing, `sample`, or the fingerprint, with an `@` in front where it is placed. */
export function identityText(identity: Identity): string {
  if (identity.kind === 'none') return '';
  if (identity.kind === 'sample') return 'sample';
  return `${identity.placed === true ? '@' : ''}${String(identity.fingerprint)}`;
}

/** Reads what `identityText` wrote. */
export function identityIn(text = ''): Identity {
  if (text === '') return ITSELF;
  if (text === 'sample') return SAMPLE;
  return text.startsWith('@')
    ? { kind: 'id', fingerprint: BigInt(text.slice(1)), placed: true }
    : { kind: 'id', fingerprint: BigInt(text) };
}

/** A deletion in line with the points, and the subject on which its number is awaited. */
export interface DeletionOrder {
  readonly selection: Selection;
  readonly answerTo: string;
}

export function encodeDeletion({ selection, answerTo }: DeletionOrder): Uint8Array {
  const { namespace, name, tags, tsMin, tsMax } = selection;
  const times = { tsMin: tsMin?.toString(), tsMax: tsMax?.toString() };
  return Buffer.from(JSON.stringify({ namespace, name, tags, ...times, answerTo }));
}

export function decodeDeletion(data: Uint8Array): DeletionOrder {
  const { answerTo, tsMin, tsMax, ...rest } = JSON.parse(Buffer.from(data).toString()) as Pick<
    Selection,
    'namespace' | 'name' | 'tags'
  > & { readonly answerTo: string; readonly tsMin?: string; readonly tsMax?: string };
  return {
    selection: {
      ...rest,
      ...(tsMin === undefined ? {} : { tsMin: BigInt(tsMin) }),
      ...(tsMax === undefined ? {} : { tsMax: BigInt(tsMax) }),
    },
    answerTo,
  };
}
