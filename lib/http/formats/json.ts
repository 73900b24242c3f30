import type { Aggregation } from '../../aggregation.js';
import type { Row } from '../../answer.js';
import { formatTime } from '../../time.js';
import { type Format, type Shape, type Writer, isNumber } from './format.js';

/** `[{"aggregatedTimestamp": …, "value": …}]`, with `groupBy` `[{"tags": …, "windows": […]}]`. */
export const json: Format = {
  contentType: 'application/json; charset=utf-8',
  hasColumns: false,
  write: (shape) => (shape.groupBy === undefined ? writeList(shape) : writeGroups(shape, shape.groupBy)),
};

/** One row a line; with `groupBy` each has the group's tags. */
export const lines: Format = {
  contentType: 'application/x-ndjson; charset=utf-8',
  hasColumns: false,
  write({ groupBy, aggregations }) {
    const text = rowText(aggregations);
    const row =
      groupBy === undefined
        ? (row: Row) => `{${text(row)}}\n`
        : (row: Row) => `{"tags":${groupTags(groupBy, row)},${text(row)}}\n`;
    return { head: '', row, tail: () => '' };
  },
};

function writeList({ aggregations }: Shape): Writer {
  const text = rowText(aggregations);
  let separator = '';
  return {
    head: '[',
    row(row) {
      const element = `${separator}{${text(row)}}`;
      separator = ',';
      return element;
    },
    tail: () => ']',
  };
}

function writeGroups({ aggregations }: Shape, groupBy: string): Writer {
  const text = rowText(aggregations);
  let current: Row | undefined;
  return {
    head: '[',
    row(row) {
      const goesOn = current?.group === row.group && current !== undefined;
      const before = goesOn ? ',' : `${current ? ']},' : ''}{"tags":${groupTags(groupBy, row)},"windows":[`;
      current = row;
      return `${before}{${text(row)}}`;
    },
    tail: () => (current ? ']}]' : ']'),
  };
}

function groupTags(groupBy: string, { group }: Row): string {
  return group === undefined ? '{}' : `{${JSON.stringify(groupBy)}:${JSON.stringify(group)}}`;
}

/** The members of a row's object. */
function rowText(aggregations: readonly Aggregation[]): (row: Row) => string {
  const start = (row: Row): string => `"aggregatedTimestamp":"${formatTime(row.time)}","value":`;
  if (aggregations.length <= 1) return (row) => start(row) + numberText(row.values[0]) + tagsText(row);
  return (row) => {
    const values = aggregations.map((aggregation, index) => `"${aggregation}":${numberText(row.values[index])}`);
    return `${start(row)}{${values.join(',')}}`;
  };
}

function tagsText({ tags }: Row): string {
  if (tags === undefined) return '';
  const text = JSON.stringify(tags);
  return text === '{}' ? '' : `,"tags":${text}`;
}

function numberText(value: number | null | undefined): string {
  return isNumber(value) ? String(value) : 'null';
}
