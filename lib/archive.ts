import { TrackingError } from './errors.js';
import { explainEvent, isTrackedEvent } from './event-rules.js';
import { type Identity, identityOfId, ITSELF, type Point, SAMPLE, type Series, seriesOf, type Tags } from './event.js';
import { parseTimestamp } from './time.js';

/** A file format that holds points whole: series, nanoseconds, exact values and identities. */
export interface Archive {
  /** Writes all points, and resolves when the output has taken the last byte. The output is left open. */
  write(points: AsyncIterable<readonly Point[]>, output: NodeJS.WritableStream): Promise<void>;
  /**
   * The points of a file in its order, some thousand at a time; rows without an identity have the kind `none`.
   * @param follow - told now and then how much of the file is read, from 0 to 1
   * @throws TrackingError `invalid` with a sentence that names the line or row and what is wrong with it
   */
  read(path: string, follow?: (fraction: number) => void): AsyncIterable<readonly Point[]>;
}

/** A text format with a point a line. */
export interface LineFormat {
  /** The first line, with the names of the columns. */
  readonly header?: string;
  /**
   * Whether a line that has lost its end can look like a whole one with another time or identity. Such a file must end
   * with a line's end, or it is taken for one that was cut.
   */
  readonly needsLastLineEnd: boolean;
  /** Some points as lines, each with its end. */
  encode(points: readonly Point[]): string;
  /**
   * Reads the lines of one file.
   * @param header - the first line, where the format has one
   * @throws TrackingError `invalid` where the header is not right
   */
  decoder(header: string): LineDecoder;
}

/**
 * Reads one line, which is not blank; nothing for a comment.
 * @throws TrackingError `invalid` with what is wrong, beginning like "value must be …"
 */
export type LineDecoder = (line: string) => Point | undefined;

/** Points that a reader gives at a time. */
export const ROWS_AT_A_TIME = 10_000;

const MAX_FINGERPRINT = 2n ** 63n;

/** An identity as text: nothing for an event that is only itself, `sample`, or the fingerprint in decimal digits. */
export function identityText(identity: Identity): string {
  return identity.kind === 'id' ? String(identity.fingerprint) : identity.kind === 'sample' ? 'sample' : '';
}

/**
 * The identity that `identityText` wrote.
 * @throws TrackingError `invalid`
 */
export function identityFromText(text: string): Identity {
  if (text === '') return ITSELF;
  if (text === 'sample') return SAMPLE;
  return identityOfFingerprint(/^-?\d{1,19}$/.test(text) ? BigInt(text) : 0n);
}

/** @throws TrackingError `invalid` where it is no signed 64-bit number, or 0 */
export function identityOfFingerprint(fingerprint: bigint): Identity {
  if (fingerprint === 0n || fingerprint >= MAX_FINGERPRINT || fingerprint < -MAX_FINGERPRINT) {
    throw new TrackingError(
      'invalid',
      'identity must be "sample", or a fingerprint: a signed 64-bit number other than 0, or be left out',
    );
  }
  return { kind: 'id', fingerprint, placed: true };
}

/**
 * A row as a point: an event as it is sent, with an identity as `identityText` writes it, or an id, or neither.
 * @throws TrackingError `invalid` with what is wrong
 */
export function pointOfRow(event: unknown, identity: unknown): Point {
  if (!isTrackedEvent(event)) throw mistaken(event);
  if (event.timestamp === undefined) throw new TrackingError('invalid', 'timestamp is required');
  const time = parseTimestamp(event.timestamp);
  return {
    series: seriesOf(event.namespace, event.name, event.tags),
    time,
    value: exactValue(event.value),
    identity: identity === undefined && event.id !== undefined ? identityOfId(event.id, time) : givenIdentity(identity),
  };
}

function givenIdentity(identity: unknown): Identity {
  if (identity === undefined) return ITSELF;
  return identityFromText(typeof identity === 'string' ? identity : 'no text');
}

/**
 * A number that an event may have.
 * @throws TrackingError `invalid`
 */
export function exactValue(value: number): number {
  if (!Number.isFinite(value)) throw new TrackingError('invalid', 'value must be a finite number');
  return value === 0 ? 0 : value;
}

/** The first mistake of an event, in words. */
function mistaken(event: unknown): TrackingError {
  return new TrackingError('invalid', explainEvent(event)[0]?.message ?? 'is no event');
}

/** @throws TrackingError `invalid` where no event may be of such a series */
function checkedSeries(namespace: string, name: string, tags: unknown): Series {
  const event = { namespace, name, tags, value: 0 };
  if (!isTrackedEvent(event)) throw mistaken(event);
  return seriesOf(namespace, name, event.tags);
}

/** What a row says about its series. */
export interface SeriesWords {
  readonly namespace: string;
  readonly name: string;
  readonly tags?: unknown;
}

/** Series kept under the words that a format writes for them, so that each is taken apart and checked once. */
export class SeriesWordsCache {
  private readonly known = new Map<string, Series>();

  /** @throws TrackingError `invalid` where no event may be of such a series; and as `read` throws */
  get(words: string, read: (words: string) => SeriesWords): Series {
    const known = this.known.get(words);
    if (known !== undefined) return known;
    const { namespace, name, tags } = read(words);
    const series = checkedSeries(namespace, name, tags);
    if (this.known.size >= MAX_SERIES_KEPT) this.known.clear();
    this.known.set(words, series);
    return series;
  }
}

/** What a format writes for each series, made once. */
export class SeriesTexts<Text> {
  private readonly known = new Map<string, Text>();

  constructor(private readonly write: (series: Series) => Text) {}

  of(series: Series): Text {
    const known = this.known.get(series.key);
    if (known !== undefined) return known;
    const text = this.write(series);
    if (this.known.size >= MAX_SERIES_KEPT) this.known.clear();
    this.known.set(series.key, text);
    return text;
  }
}

const MAX_SERIES_KEPT = 50_000;

/**
 * The tags that a JSON object holds.
 * @throws TrackingError `invalid` where it is no JSON; what it holds is for `SeriesWordsCache` to check
 */
export function tagsOfJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new TrackingError('invalid', 'tags must be a JSON object of strings, or be empty');
  }
}

/** Tags as a JSON object, or nothing where there are none. */
export function jsonOfTags(tags: Tags): string {
  const text = JSON.stringify(tags);
  return text === '{}' ? '' : text;
}

/** A place in a file and what is wrong there. */
export function badRow(place: string, error: unknown): unknown {
  return error instanceof TrackingError && error.code === 'invalid'
    ? new TrackingError('invalid', `${place}: ${error.message}`)
    : error;
}
