import { adoptSeries } from '../../adoption.js';
import { type Mistake, messageOf } from '../../errors.js';
import { identityOfId, type Point, type Reception, SAMPLE } from '../../event.js';
import { parseTimestamp } from '../../time.js';
import type { CloudEvent } from './cloud-event.js';

/** Which part of a CloudEvent becomes which part of an event: an attribute such as `source`, or a path such as `data.order.total`. */
export interface CloudEventsMapping {
  readonly namespace: string;
  readonly name: string;
  /**
   * A path into `data`, which may stand in front of it as in the others, where that is no number itself; where there is
   * nothing the value is 1.
   */
  readonly value: string;
  /** `*` stands for the subject and all extension attributes, but for those of distributed tracing. */
  readonly tags: readonly string[];
}

/** Attributes of the specification itself, and those that differ with every event. */
const NO_TAGS = new Set(['specversion', 'id', 'source', 'type', 'time', 'datacontenttype', 'dataschema']);
const TRACING = new Set(['traceparent', 'tracestate']);

/**
 * The point that a CloudEvent is. `source` and `id` are its identity, whatever becomes the namespace.
 * @returns its mistakes where it cannot be one
 */
export function toPoint(
  event: CloudEvent,
  mapping: CloudEventsMapping,
  { identity }: Reception,
): Point | readonly Mistake[] {
  const mistakes: Mistake[] = [];
  const { source = '', id = '' } = event.attributes;
  const text = (path: string): string => {
    const found = partOf(event, path);
    if (typeof found === 'string' || typeof found === 'number') return String(found);
    mistakes.push({ path, message: `${path} must be a text or a number` });
    return '';
  };
  const series = adoptSeries(text(mapping.namespace), text(mapping.name), tagsOf(event, mapping.tags));
  const value = valueOf(event, mapping.value, mistakes);
  const time = timeOf(event, mistakes);
  if (mistakes.length > 0) return mistakes;
  return {
    series,
    time,
    value,
    identity: identity === 'sample' ? SAMPLE : identityOfId(JSON.stringify([source, id]), time),
  };
}

function timeOf({ attributes: { time } }: CloudEvent, mistakes: Mistake[]): bigint {
  if (time === undefined) {
    mistakes.push({
      path: 'time',
      message: 'time is required: a time of receipt would differ when the event is sent again',
    });
    return 0n;
  }
  try {
    return parseTimestamp(time);
  } catch (error) {
    mistakes.push({ path: 'time', message: `time ${messageOf(error)}` });
    return 0n;
  }
}

function valueOf({ data }: CloudEvent, setting: string, mistakes: Mistake[]): number {
  const path = setting.replace(/^data\./, '');
  const found = typeof data === 'number' ? data : (inside(data, path.split('.')) ?? 1);
  if (typeof found === 'number' && Number.isFinite(found)) return found === 0 ? 0 : found;
  mistakes.push({ path: `data.${path}`, message: `data.${path} must be a finite number` });
  return 0;
}

function tagsOf({ attributes, data }: CloudEvent, paths: readonly string[]): [string, string][] {
  return paths.flatMap((path): [string, string][] => {
    if (path === '*') {
      return Object.entries(attributes).filter(([name]) => !NO_TAGS.has(name) && !TRACING.has(name));
    }
    const found = partOf({ attributes, data }, path);
    const name = path.slice(path.lastIndexOf('.') + 1);
    return ['string', 'number', 'boolean'].includes(typeof found) ? [[name, String(found)]] : [];
  });
}

function partOf({ attributes, data }: CloudEvent, path: string): unknown {
  const [first = '', ...rest] = path.split('.');
  return first === 'data' ? inside(data, rest) : Object.hasOwn(attributes, path) ? attributes[path] : undefined;
}

function inside(data: unknown, path: readonly string[]): unknown {
  let found = data;
  for (const key of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<string, unknown>)[key];
  }
  return found;
}
