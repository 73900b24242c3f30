import {
  type FluxParameterLike,
  type ParameterizedQuery,
  flux,
  fluxExpression,
  fluxInteger,
} from '@influxdata/influxdb-client';
import type { Selection } from '../aggregation.js';
import type { Series } from '../event.js';
import { END_OF_TIME, MIN_TIME, type Nanoseconds } from '../time.js';
import { measurementOf, tagKeyOf, tagTextOf } from './names.js';

/** A piece of Flux in which every value has been made harmless. */
export type Flux = ParameterizedQuery & FluxParameterLike;

/** A stretch of time, its end excluded. */
export interface Range {
  readonly start: Nanoseconds;
  readonly end: Nanoseconds;
}

/** All the time that points may have. */
export const ALL_TIME: Range = { start: MIN_TIME, end: END_OF_TIME };

/** Flux with its parameters made harmless; unlike the client's own type it says that pieces may be nested. */
export function script(
  strings: TemplateStringsArray,
  ...values: readonly (Flux | FluxParameterLike | string | number)[]
): Flux {
  return fluxExpression(flux(strings, ...values));
}

/** `from` and `range`: where every question begins. */
export function points(bucket: string, { start, end }: Range): Flux {
  return script`from(bucket: ${textOf(bucket)}) |> range(start: ${timeOf(start)}, stop: ${timeOf(end)})`;
}

/**
 * The numbers of a range that a filter lets through, as `points` gives them: as floats and in order of time where they are
 * of several types.
 * @param stretches - see `FieldTypes.stretches`, of this range or a longer one
 */
export function numbers(bucket: string, range: Range, stretches: readonly Range[], filter: Flux): Flux {
  const parts = stretches.map((stretch) => within(stretch, range)).filter(({ start, end }) => start < end);
  const [part] = parts;
  if (parts.length === 1 && part?.start === range.start && part.end === range.end) {
    return script`${points(bucket, range)} |> ${filter}`;
  }
  const bounds = script`range(start: ${timeOf(range.start)}, stop: ${timeOf(range.end)})`;
  if (part === undefined) return script`${points(bucket, range)} |> ${filter} |> filter(fn: (r) => false)`;
  const tables = parts.map(
    (some) => script`${points(bucket, some)} |> ${filter} |> toFloat() |> drop(columns: ["_start", "_stop"])`,
  );
  return script`${union(tables)} |> sort(columns: ["_time"]) |> ${bounds}`;
}

/**
 * What is to stand between the points of a range and a bare `count()` or `sum()`: before 1970 these run without end
 * inside the storage engine (influxd 2.7.12), and a limit that limits nothing keeps them out of it.
 */
export function beforeSum({ start }: Range): Flux {
  return start < 0n ? script` |> limit(n: ${fluxInteger(2n ** 63n - 1n)})` : script``;
}

/** Only values of one namespace and name whose tags are among the wanted ones; or the fingerprints of their ids. */
export function matching(selection: Selection, field: 'value' | 'id' = 'value'): Flux {
  const { namespace, name } = selection;
  let condition = script`r._measurement == ${textOf(measurementOf(namespace))} and r["name"] == ${textOf(tagTextOf(name))} and r._field == ${textOf(field)}`;
  for (const [key, values] of Object.entries(selection.tags)) {
    condition = script`${condition} and ${anyOf(key, values)}`;
  }
  return script`filter(fn: (r) => ${condition})`;
}

/** A tag has one of the values; `undefined` stands for points without it. */
export function anyOf(key: string, values: readonly (string | undefined)[]): Flux {
  const tag = script`r[${textOf(tagKeyOf(key))}]`;
  const alternatives = values.map((value) =>
    value === undefined ? script`not exists ${tag}` : script`${tag} == ${textOf(tagTextOf(value))}`,
  );
  return eitherOf(alternatives);
}

/** One of the conditions holds. In pairs of halves: Flux finds five hundred in a row nested too deep. */
export function eitherOf(conditions: readonly Flux[]): Flux {
  const [first] = conditions;
  if (first === undefined) return script`false`;
  if (conditions.length === 1) return first;
  const middle = conditions.length >> 1;
  return script`(${eitherOf(conditions.slice(0, middle))} or ${eitherOf(conditions.slice(middle))})`;
}

/** Several tables as one stream. */
export function union(tables: readonly Flux[]): Flux {
  const [first] = tables;
  return tables.length === 1 && first ? first : script`union(tables: [${joined(tables, ',\n')}])`;
}

/** The part of the selection's range that points may have. */
export function rangeOf({ tsMin, tsMax }: Selection): Range {
  return within({ start: tsMin ?? MIN_TIME, end: tsMax ?? END_OF_TIME }, ALL_TIME);
}

/** Whether the points of a series are selected, at the times that are. */
export function isSelected({ namespace, name, tags }: Series, selection: Selection): boolean {
  if (namespace !== selection.namespace || name !== selection.name) return false;
  return Object.entries(selection.tags).every(
    ([key, values]) => Object.hasOwn(tags, key) && values.includes(tags[key] ?? ''),
  );
}

/** What two stretches share; empty where its start is not before its end. */
export function within(a: Range, b: Range): Range {
  return { start: a.start > b.start ? a.start : b.start, end: a.end < b.end ? a.end : b.end };
}

/**
 * A string. The client's own `fluxString` is not safe: it lets `$` stand, and Flux reads the backslash after one as no
 * escape, so that in `$"` the quote ends the string and what follows is run (client 1.35.0, influxd 2.7.12).
 */
export function textOf(text: string): Flux {
  const harmless = text.replace(/[\\"$]|\p{Cc}/gu, (character) => {
    const code = character.charCodeAt(0);
    return code < 128 ? `\\x${code.toString(16).padStart(2, '0')}` : character;
  });
  return fluxExpression(`"${harmless}"`);
}

/** A length of time. */
export function durationOf(nanoseconds: Nanoseconds): Flux {
  return fluxExpression(`${String(nanoseconds)}ns`);
}

function timeOf(time: Nanoseconds): Flux {
  return script`time(v: ${fluxInteger(time)})`;
}

function joined(parts: readonly Flux[], separator: string): Flux {
  return fluxExpression(parts.map(String).join(separator));
}
