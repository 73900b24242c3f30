import { TrackingError } from '../errors.js';
import type { Selection } from '../aggregation.js';
import type { Series, Tags } from '../event.js';
import { eitherOf, type Flux, script, textOf } from './flux.js';
import { seriesPrefix } from './line-protocol.js';
import { measurementOf, tagKeyOf, tagTextOf } from './names.js';

/** Between the name of a series and that of a field, in InfluxDB's files. */
const SEPARATOR = '#!~#';

/**
 * What deletes the selected points of some series (https://docs.influxdata.com/influxdb/v2/reference/syntax/delete-predicate/).
 * Predicates know no `or`, so there is one for each combination of the wanted values.
 */
export function predicatesOf({ namespace, name, tags }: Selection, series: Iterable<Series>): ReadonlySet<string> {
  const predicates = new Set<string>();
  for (const found of series) {
    const wanted = Object.keys(tags).map((key) => equal(tagKeyOf(key), tagTextOf(found.tags[key] ?? '')));
    const its = [equal('_measurement', measurementOf(namespace)), equal('name', tagTextOf(name)), ...wanted];
    predicates.add(its.join(' and '));
  }
  return predicates;
}

/**
 * Refuses what influxd (2.7.12) would delete wrongly.
 *
 * It reads the measurement up to a `=` as a tag, so that in a measurement `name=cpu` every name is `cpu`. And nothing
 * that contains its separator is told apart.
 * @throws TrackingError `unprocessable`
 */
export function assertDeletable({ namespace, name, tags }: Selection, series: Iterable<Series>): void {
  const measurement = measurementOf(namespace);
  const shadow = measurement.includes('=') ? measurement.slice(0, measurement.indexOf('=')) : undefined;
  if (shadow !== undefined && ['name', ...Object.keys(tags).map(tagKeyOf)].includes(shadow)) {
    throw refusal(`The namespace ${namespace} begins like a tag, and InfluxDB would delete other events too.`);
  }
  if ([...series].some((found) => seriesPrefix(found).includes(SEPARATOR))) {
    throw refusal(`InfluxDB cannot delete events of ${name} with ${SEPARATOR} in a name or a tag.`);
  }
}

/**
 * Selects those series of a namespace that may stand in the way of deletions: they continue the last tag of another
 * series with what InfluxDB sorts before its separator.
 */
export function continuing(namespace: string, series: Iterable<Series>): Flux {
  const lastKeys = new Set([...series].map(({ tags }) => lastKeyOf(tags)));
  const continued = eitherOf([...lastKeys].map((key) => script`r[${textOf(key)}] =~ /[!"]|#!/`));
  return script`filter(fn: (r) =>
    r._measurement == ${textOf(measurementOf(namespace))} and r._field == "value" and exists r["name"] and (${continued}))`;
}

/**
 * Refuses to delete from a series that another one continues with a character before the separator, such as `cpu` beside
 * `cpu!`: influxd (2.7.12) then deletes nothing in its files and all of the series in its index, so that what should be
 * kept is gone and what was deleted comes back (tsm1/engine.go, deleteSeriesRange).
 * @param others - series of the same namespace
 * @throws TrackingError `unprocessable`
 */
export function assertApart(series: Iterable<Series>, others: readonly Series[]): void {
  if (others.length === 0) return;
  const keys = others.map(seriesPrefix);
  for (const found of series) {
    const key = seriesPrefix(found);
    const index = keys.findIndex((other) => other.startsWith(key) && isBetween(other.slice(key.length)));
    const other = others[index];
    if (other === undefined) continue;
    throw refusal(
      `InfluxDB cannot delete events of ${described(found)} beside those of ${described(other)}, as one name or tag continues the other.`,
    );
  }
}

function isBetween(rest: string): boolean {
  return rest !== '' && rest < SEPARATOR;
}

function equal(key: string, value: string): string {
  return `${quoted(key)}=${quoted(value)}`;
}

/** Key and value alike: influxd's parser takes a bare `name` for a word of its own, and single quotes for no value. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

function lastKeyOf(tags: Tags): string {
  return ['name', ...Object.keys(tags).map(tagKeyOf)].sort().at(-1) ?? 'name';
}

function described({ name, tags }: Series): string {
  return [name, ...Object.entries(tags).map(([key, value]) => `${key}=${value}`)].join(' ');
}

function refusal(message: string): TrackingError {
  return new TrackingError('unprocessable', message);
}
