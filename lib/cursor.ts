import Joi from 'joi';
import { TrackingError } from './errors.js';
import type { Nanoseconds } from './time.js';

/** Where a page ended: behind the window of that group and start, or behind `skip` of the events of that time. */
export type Cursor =
  | { readonly kind: 'window'; readonly group: string | undefined; readonly time: Nanoseconds }
  | { readonly kind: 'event'; readonly time: Nanoseconds; readonly skip: number };

const time = Joi.string()
  .pattern(/^-?\d{1,19}$/)
  .custom((text: string) => {
    if (BigInt.asIntN(64, BigInt(text)) !== BigInt(text)) throw new Error('is no time that a store knows');
    return text;
  })
  .required();

const schemas = {
  window: Joi.array().ordered(Joi.valid('window').required(), time, Joi.string()).required(),
  event: Joi.array().ordered(Joi.valid('event').required(), time, Joi.number().integer().min(0).required()).required(),
};

/** The text that stands for a cursor in an address: base64url, nothing for people to read. */
export function encodeCursor(cursor: Cursor): string {
  const rest = cursor.kind === 'event' ? [cursor.skip] : cursor.group === undefined ? [] : [cursor.group];
  return Buffer.from(JSON.stringify([cursor.kind, String(cursor.time), ...rest])).toString('base64url');
}

/** @throws TrackingError `invalid` where the text is no cursor of that kind */
export function decodeCursor<Kind extends Cursor['kind']>(text: string, kind: Kind): Extract<Cursor, { kind: Kind }> {
  const parsed = parse(text);
  const { error } = schemas[kind].validate(parsed, { convert: false });
  if (error !== undefined) {
    throw new TrackingError(
      'invalid',
      'The cursor is none that this question gave. Follow the Link header of the page before.',
      {
        mistakes: [{ path: 'cursor', message: 'must be taken from the Link header of the page before' }],
      },
    );
  }
  const [, position, rest] = parsed as [Kind, string, string | number | undefined];
  const cursor =
    kind === 'event' ? { kind, time: BigInt(position), skip: rest } : { kind, time: BigInt(position), group: rest };
  return cursor as Extract<Cursor, { kind: Kind }>;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    return undefined;
  }
}
