import type { Mistake } from '../../errors.js';
import { TrackingError } from '../../errors.js';
import { type Point, readEach, type Reception } from '../../event.js';
import type { Context } from '../context.js';
import { readJson } from '../events-body.js';
import { type CloudEvent, fromHeaders, fromJson, isInHeaders } from './cloud-event.js';
import { type CloudEventsMapping, toPoint } from './mapping.js';

export const STRUCTURED = 'application/cloudevents+json';
export const BATCH = 'application/cloudevents-batch+json';

/** The media types of structured mode and of batches. */
export const CLOUDEVENTS_TYPES: readonly string[] = [STRUCTURED, BATCH];

const JSON_TYPE = /^[^/;]+\/(?:[^;]+\+)?json\s*(?:;|$)/i;

/** Whether the request is an event in binary mode, right or not: its attributes stand in the headers. */
export function isBinaryEvent({ req }: Context): boolean {
  return isInHeaders(req.headers);
}

/**
 * Reads CloudEvents 1.0 in any of the three modes of its HTTP binding.
 * @returns nothing where the request is of another kind
 * @throws TrackingError `invalid` as `readEach`, with mistakes by attribute
 */
export function readCloudEvents(
  body: Buffer,
  ctx: Context,
  mapping: CloudEventsMapping,
  reception: Reception,
): Point[] | undefined {
  const type = ctx.request.type.toLowerCase();
  const read = (event: CloudEvent | readonly Mistake[]): Point | (() => readonly Mistake[]) => {
    const point = isList(event) ? event : toPoint(event, mapping, reception);
    return isList(point) ? () => point : point;
  };
  if (type === STRUCTURED) return readEach([fromJson(readJson(body))], read);
  if (type === BATCH) {
    const events = readJson(body);
    if (!Array.isArray(events)) throw new TrackingError('invalid', 'The body must be an array of CloudEvents.');
    return readEach(events.map(fromJson), read);
  }
  if (!isBinaryEvent(ctx)) return undefined;
  return readEach([fromHeaders(ctx.req.headers, dataOf(body, ctx.state.contentType ?? type))], read);
}

/** What is no JSON has no number in it that we could find. */
function dataOf(body: Buffer, type: string): unknown {
  return body.length > 0 && (type === '' || JSON_TYPE.test(type)) ? readJson(body) : undefined;
}

function isList(value: object): value is readonly Mistake[] {
  return Array.isArray(value);
}
