import { MILLISECOND, type Nanoseconds, toMilliseconds } from '../time.js';

/** A time in numbers that need no bigint. */
export interface Moment {
  /** Since 1970, rounded down. */
  readonly milliseconds: number;
  /** Within the millisecond. */
  readonly nanoseconds: number;
}

const ZERO = 48;
let knownDate = '';
let startOfKnownDate = 0;
let knownTime = 0n;
let momentOfKnownTime: Moment = { milliseconds: 0, nanoseconds: 0 };

/** Reads the only form that Flux prints: `2026-11-20T00:00:00Z`, with up to nine digits of a second. */
export function readMoment(text: string): Moment {
  const date = text.slice(0, 10);
  if (date !== knownDate) {
    startOfKnownDate = Date.parse(`${date}T00:00:00Z`);
    knownDate = date;
  }
  const seconds = digits(text, 11) * 3600 + digits(text, 14) * 60 + digits(text, 17);
  let fraction = 0;
  let scale = 1_000_000_000;
  for (let position = 20; position < text.length - 1; position++) {
    fraction = fraction * 10 + text.charCodeAt(position) - ZERO;
    scale /= 10;
  }
  fraction *= scale;
  const milliseconds = Math.floor(fraction / 1_000_000);
  return {
    milliseconds: startOfKnownDate + seconds * 1000 + milliseconds,
    nanoseconds: fraction - milliseconds * 1_000_000,
  };
}

/** A moment as Flux prints it, exactly. */
export function readTime(text: string): Nanoseconds {
  const { milliseconds, nanoseconds } = readMoment(text);
  return BigInt(milliseconds) * 1_000_000n + BigInt(nanoseconds);
}

/** The moment of a time. What was taken together has one time, which is taken apart once and kept once. */
export function momentOf(time: Nanoseconds): Moment {
  if (time !== knownTime) {
    const milliseconds = toMilliseconds(time);
    momentOfKnownTime = { milliseconds, nanoseconds: Number(time - BigInt(milliseconds) * MILLISECOND) };
    knownTime = time;
  }
  return momentOfKnownTime;
}

/** A moment as InfluxDB reads it: RFC 3339 with nine digits of a second. */
export function writeTime(time: Nanoseconds): string {
  const { milliseconds, nanoseconds } = momentOf(time);
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${String(nanoseconds).padStart(6, '0')}Z`;
}

function digits(text: string, position: number): number {
  return (text.charCodeAt(position) - ZERO) * 10 + text.charCodeAt(position + 1) - ZERO;
}
