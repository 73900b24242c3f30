import type { Context } from './context.js';
import { decode } from './parameters.js';

/**
 * A part of the path that the route left open, decoded once and exactly: @koa/router passes on as they are what it
 * cannot decode.
 * @throws TrackingError `invalid` where percent signs do not encode UTF-8
 */
export function segment(ctx: Context, index: number): string {
  const { captures = [] } = ctx as { captures?: readonly string[] };
  return decode(captures[index] ?? '');
}
