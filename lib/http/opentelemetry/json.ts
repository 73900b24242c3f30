import { TrackingError } from '../../errors.js';
import { readJson } from '../events-body.js';
import { MAX_ATTRIBUTES } from './limits.js';
import { listIn, numberIn, type JsonObject, objectIn, textIn, valueIn } from './json-values.js';
import { readJsonPoint } from './json-points.js';
import { Attributes, type Pair, textOfPairs, textOfValue } from './attributes.js';
import type { Metric, MetricKind, ResourceMetrics } from './metrics.js';
import type { ParseContext } from './parse-context.js';

/** Objects and arrays in one body: some for each attribute of as many data points as a request may carry. */
const MAX_BRACKETS = 500_000;

const KINDS: readonly MetricKind[] = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'];

/**
 * Reads an `ExportMetricsServiceRequest` in JSON (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding):
 * keys in lowerCamelCase, enums as numbers, 64-bit integers as strings or numbers; what is not known is passed over.
 * @throws TrackingError `invalid` where it is none, `too-large` where it holds too much
 */
export function readJsonMetrics(body: Buffer, context: ParseContext): ResourceMetrics[] {
  const parsed = readJson(body, MAX_BRACKETS);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new TrackingError(
      'invalid',
      'The body must be an ExportMetricsServiceRequest: an object with resourceMetrics.',
    );
  }
  return listIn(parsed as JsonObject, 'resourceMetrics')
    .map((one) => readResourceMetrics(one, context))
    .filter(({ metrics }) => metrics.length > 0);
}

function readResourceMetrics(from: JsonObject, context: ParseContext): ResourceMetrics {
  return {
    resource: readAttributes(objectIn(from, 'resource') ?? {}, context),
    metrics: listIn(from, 'scopeMetrics').flatMap((scopeMetrics) => {
      const scope = textIn(objectIn(scopeMetrics, 'scope') ?? {}, 'name');
      return listIn(scopeMetrics, 'metrics').flatMap((metric) => readMetric(metric, scope, context));
    }),
  };
}

function readMetric(from: JsonObject, scope: string, context: ParseContext): Metric[] {
  return KINDS.flatMap((kind) => {
    const data = objectIn(from, kind);
    if (data === undefined) return [];
    const points = listIn(data, 'dataPoints').map((point) => {
      context.limits.countPoint();
      return { ...readJsonPoint(point, kind, context.limits), attributes: readAttributes(point, context) };
    });
    if (points.length === 0) return [];
    const temporality = numberIn(data, 'aggregationTemporality') ?? 0;
    const name = textIn(from, 'name');
    return [{ name, scope, kind, temporality, monotonic: data.isMonotonic === true, points }];
  });
}

function readAttributes(from: JsonObject, { attributes }: ParseContext): Attributes {
  const list = listIn(from, 'attributes');
  if (list.length > MAX_ATTRIBUTES) {
    throw new TrackingError('invalid', `There are more than ${MAX_ATTRIBUTES} attributes at one place.`);
  }
  const pairs = list.map((attribute): Pair => [
    textIn(attribute, 'key'),
    textOfValue(valueIn(objectIn(attribute, 'value') ?? {}, 0)),
  ]);
  return attributes.find(textOfPairs(pairs), () => new Attributes(pairs));
}
