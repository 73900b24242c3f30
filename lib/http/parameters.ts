import { type Mistake, TrackingError } from '../errors.js';
import { suggestion } from './nearest.js';

/** A parameter of a query string: key and value, decoded. */
export type Parameter = readonly [key: string, value: string];

/**
 * The parameters of a query string in their order. Unlike URLSearchParams it refuses what it cannot decode.
 * @throws TrackingError `invalid`
 */
export function readParameters(querystring: string): Parameter[] {
  return querystring
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [key = ''] = pair.split('=', 1);
      const value = pair.slice(key.length + 1);
      return [decode(key.replaceAll('+', ' ')), decode(value.replaceAll('+', ' '))];
    });
}

/** @throws TrackingError `invalid` where percent signs do not encode UTF-8 */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TrackingError(
      'invalid',
      `"${text}" in the address is not percent-encoded UTF-8. A percent sign itself is written %25.`,
    );
  }
}

/** @throws TrackingError `invalid` where there is any parameter that is not allowed */
export function refuseOtherParameters(parameters: readonly Parameter[], allowed: readonly string[]): void {
  const mistakes = parameters.filter(([key]) => !allowed.includes(key)).map(([key]) => unknownParameter(key, allowed));
  if (mistakes.length > 0) throw mistakenParameters(mistakes);
}

export function unknownParameter(key: string, allowed: readonly string[]): Mistake {
  const words = allowed.length === 0 ? 'none is allowed here' : `allowed are ${allowed.join(', ')}`;
  return { path: key, message: `${key} is no parameter${suggestion(key, allowed)}; ${words}` };
}

export function mistakenParameters(mistakes: readonly Mistake[]): TrackingError {
  const [first] = mistakes;
  const detail =
    mistakes.length === 1 && first ? `${first.message}.` : `The query has ${mistakes.length} mistakes; see errors.`;
  return new TrackingError('invalid', detail, { mistakes });
}
