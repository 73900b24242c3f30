import { type JsonObject, listIn, numberIn, numbersIn, objectIn, timeIn } from './json-values.js';
import type { Limits } from './limits.js';
import { type DataPoint, emptyPoint, type ExponentialBuckets, type MetricKind } from './metrics.js';

/** Reads a data point but for its attributes. */
export function readJsonPoint(from: JsonObject, kind: MetricKind, limits: Limits): DataPoint {
  const point: DataPoint = {
    ...emptyPoint(),
    start: timeIn(from, 'startTimeUnixNano'),
    time: timeIn(from, 'timeUnixNano'),
    flags: numberIn(from, 'flags') ?? 0,
  };
  if (kind === 'gauge' || kind === 'sum') {
    return { ...point, ...given('value', numberIn(from, 'asDouble') ?? numberIn(from, 'asInt')) };
  }
  const distribution = {
    ...point,
    ...given('count', numberIn(from, 'count')),
    ...given('sum', numberIn(from, 'sum')),
    ...given('min', numberIn(from, 'min')),
    ...given('max', numberIn(from, 'max')),
  };
  switch (kind) {
    case 'histogram':
      return {
        ...distribution,
        bounds: counted(numbersIn(from, 'explicitBounds'), limits),
        buckets: counted(numbersIn(from, 'bucketCounts'), limits),
      };
    case 'exponentialHistogram':
      return {
        ...distribution,
        scale: numberIn(from, 'scale') ?? 0,
        ...given('zeroCount', numberIn(from, 'zeroCount')),
        ...given('positive', readBuckets(objectIn(from, 'positive'), limits)),
        ...given('negative', readBuckets(objectIn(from, 'negative'), limits)),
      };
    case 'summary':
      return {
        ...distribution,
        quantiles: counted(listIn(from, 'quantileValues'), limits).map((one) => [
          numberIn(one, 'quantile') ?? 0,
          numberIn(one, 'value') ?? 0,
        ]),
      };
  }
}

function readBuckets(from: JsonObject | undefined, limits: Limits): ExponentialBuckets | undefined {
  if (from === undefined) return undefined;
  return { offset: numberIn(from, 'offset') ?? 0, counts: counted(numbersIn(from, 'bucketCounts'), limits) };
}

function counted<Element>(elements: Element[] | readonly Element[], limits: Limits): Element[] {
  for (const _ of elements) limits.countBucket();
  return elements as Element[];
}

/** A property where there is a value for it. */
function given<Key extends string, Value>(key: Key, value: Value | undefined): Partial<Record<Key, Value>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<Key, Value>>);
}
