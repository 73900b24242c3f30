import { TrackingError } from '../../errors.js';
import { boundedText } from '../bounded-text.js';
import type { Value } from './attributes.js';
import { MAX_ATTRIBUTES, MAX_DEPTH } from './limits.js';

/** An object of JSON, whatever it holds. A key that is null counts as left out. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The objects in a list; none where it is left out. @throws TrackingError `invalid` where it is something else */
export function listIn(from: JsonObject, key: string): readonly JsonObject[] {
  return elementsIn(from, key).map((element) => {
    if (typeof element === 'object' && element !== null && !Array.isArray(element)) return element as JsonObject;
    throw mistake(key, 'a list of objects');
  });
}

/** @throws TrackingError `invalid` where it is something else */
export function objectIn(from: JsonObject, key: string): JsonObject | undefined {
  const value = from[key] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'object' && !Array.isArray(value)) return value as JsonObject;
  throw mistake(key, 'an object');
}

/** A text, as `boundedText` has it, empty where it is left out. @throws TrackingError `invalid` where it is something else */
export function textIn(from: JsonObject, key: string): string {
  const value = from[key] ?? '';
  if (typeof value === 'string') return boundedText(value);
  throw mistake(key, 'a string');
}

/** A number, also as a text. @throws TrackingError `invalid` where it is neither */
export function numberIn(from: JsonObject, key: string): number | undefined {
  const value = from[key] ?? undefined;
  return value === undefined ? undefined : asNumber(value, key);
}

/** @throws TrackingError `invalid` where an element is no number */
export function numbersIn(from: JsonObject, key: string): number[] {
  return elementsIn(from, key).map((element) => asNumber(element, key));
}

/** Nanoseconds since 1970; 0 where they are left out. @throws TrackingError `invalid` where it is no whole number */
export function timeIn(from: JsonObject, key: string): bigint {
  const value = from[key] ?? 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value);
  throw mistake(key, 'nanoseconds since 1970, as a string of digits');
}

/** An `AnyValue`: an object with one of the keys of its kinds. */
export function valueIn(from: JsonObject, depth: number): Value {
  if (depth > MAX_DEPTH) throw new TrackingError('invalid', `Values are nested more than ${MAX_DEPTH} deep.`);
  const { stringValue, boolValue, intValue, bytesValue } = from;
  for (const scalar of [stringValue, boolValue, bytesValue]) {
    if (typeof scalar === 'boolean') return scalar;
    if (typeof scalar === 'string') return boundedText(scalar);
  }
  const number = numberIn(from, 'intValue') ?? numberIn(from, 'doubleValue');
  // Not every integer is a number of JavaScript's.
  if (number !== undefined) return typeof intValue === 'string' && INTEGER.test(intValue) ? BigInt(intValue) : number;
  const list = objectIn(from, 'arrayValue');
  if (list !== undefined) {
    return listIn(list, 'values')
      .slice(0, MAX_ATTRIBUTES)
      .map((value) => valueIn(value, depth + 1));
  }
  const map = objectIn(from, 'kvlistValue');
  if (map === undefined) return null;
  const entries = listIn(map, 'values').slice(0, MAX_ATTRIBUTES);
  return Object.fromEntries(
    entries.map((entry) => [textIn(entry, 'key'), valueIn(objectIn(entry, 'value') ?? {}, depth + 1)]),
  );
}

function elementsIn(from: JsonObject, key: string): readonly unknown[] {
  const value = from[key] ?? [];
  if (Array.isArray(value)) return value as readonly unknown[];
  throw mistake(key, 'a list');
}

const INTEGER = /^-?\d{1,19}$/;
const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const NO_NUMBERS: Readonly<Record<string, number>> = { NaN: NaN, Infinity, '-Infinity': -Infinity };

function asNumber(value: unknown, key: string): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'string') {
    if (NUMBER.test(value)) return Number(value);
    if (Object.hasOwn(NO_NUMBERS, value)) return NO_NUMBERS[value] ?? NaN;
  }
  throw mistake(key, 'a number');
}

function mistake(key: string, right: string): TrackingError {
  return new TrackingError('invalid', `Nothing was stored: ${key} must be ${right} everywhere.`);
}
