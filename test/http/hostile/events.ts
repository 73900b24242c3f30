import fc from 'fast-check';
import {
  broken,
  type HostileBody,
  type HostileFormat,
  type HostileRequest,
  manyTimes,
  mostly,
  odd,
  sent,
} from './request.js';
import { EVENT, ORDER } from '../samples.js';

const PATH = '/api/track/';

const EVENT_TEXT = JSON.stringify(EVENT);
const CLOUD_EVENT_TEXT = JSON.stringify(ORDER);

/** A text that is JSON no more, or not what it was. */
function brokenJson(text: string, keys: readonly string[]): fc.Arbitrary<HostileBody> {
  const oddValue = fc.constantFrom(
    'null',
    'true',
    '[]',
    '{}',
    '[[]]',
    '""',
    '1e999',
    '"\\ud800"',
    '"_x"',
    '-1',
    '"\\u0000"',
  );
  return fc.oneof(
    fc.integer({ min: 1, max: text.length - 1 }).map((end) => broken(text.slice(0, end))),
    fc
      .tuple(
        fc.nat(text.length),
        fc.nat(3),
        fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '\u0007', 'x', '\n', "'"),
      )
      .map(([at, removed, put]) => odd(text.slice(0, at) + put + text.slice(at + removed))),
    fc.tuple(fc.constantFrom(...keys), oddValue).map(([key, value]) => odd(text.replace(/\}$/, `,"${key}":${value}}`))),
    fc.string({ unit: 'binary', maxLength: 100 }).map(odd),
    fc.uint8Array({ minLength: 1, maxLength: 100 }).map(odd),
    fc
      .tuple(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom('[', '{"a":', '[{"tags":', '{"data":['))
      .map(([depth, open]) => broken(open.repeat(depth))),
    fc
      .tuple(fc.integer({ min: 2, max: 30_000 }), fc.constantFrom(['[', ']'], ['{"a":', '}'], ['[{"tags":', '}]']))
      .map(([depth, [open = '', close = '']]) => odd(`${open.repeat(depth)}1${close.repeat(depth)}`)),
    fc.tuple(fc.integer({ min: 18, max: 20_000 }), fc.constantFrom(...keys)).map(([count, key]) => {
      const many = Array.from({ length: count }, (_, index) => `"k${index}":"1"`).join(',');
      return odd(text.replace(/\}$/, `,"${key}":{${many}},${many}}`));
    }),
  );
}

function largeJson(text: string): fc.Arbitrary<HostileBody> {
  return fc.oneof(
    manyTimes(
      [
        '[',
        '{',
        '{"a":',
        '1,',
        '0.5,',
        '"",',
        '"a",',
        'null,',
        '"a":1,',
        '"a":"",',
        '{},',
        '[],',
        '\\',
        '"',
        ' ',
        '\n',
        '😀',
        '9',
        'x',
        `${text},`,
      ],
      ['', '[', '{', '"', '[{"tags":{"a":"', '{"data":[', '[{"value":', '{"data":{', '{"id":"'],
      ['', ']', '1]', '"]', '}', '"}]', '0]}', '"":0}', '"":0}}'],
    ).map(odd),
    // Keys that are all different, which is what costs the most to hold.
    fc
      .tuple(fc.constantFrom('{', '{"data":{', '[{"tags":{'), fc.constantFrom(100_000, 500_000))
      .map(([open, count]) => {
        const members = Array.from({ length: count }, (_, index) => `"k${index}":${index}`).join(',');
        return odd(
          open +
            members +
            open.replace(/[^[{]/g, '').replaceAll('{', '}').replaceAll('[', ']').split('').reverse().join(''),
        );
      }),
    // Thousands that are right, with something behind them that is none.
    fc.integer({ min: 9000, max: 20_000 }).map((count) => odd(`[${`${text},`.repeat(count)}7]`)),
  );
}

/** In binary mode attributes stand in headers. */
const oddHeaders: fc.Arbitrary<Readonly<Record<string, string>>> = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('id', 'source', 'type', 'time', 'specversion', 'subject', 'x'),
      fc.constantFrom('', '%', '%ff', '%00', '_x', '2.0', '%F0%9F%98%80', 'a'.repeat(8000)),
    )
    .map(([name, value]) => ({ [`ce-${name}`]: value })),
  fc
    .integer({ min: 20, max: 900 })
    .map((count) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`ce-k${index}`, 'v']))),
);

function cloudEventsInBinaryMode(): fc.Arbitrary<HostileRequest> {
  const { data, ...attributes } = ORDER;
  const headers = {
    'content-type': 'application/json',
    ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value])),
  };
  const text = JSON.stringify(data);
  return fc
    .tuple(
      sent(mostly(brokenJson(text, ['value']), largeJson(text)), 'gzip', { path: PATH, headers }),
      fc.option(oddHeaders),
    )
    .map(([request, others]) => ({ ...request, headers: { ...request.headers, ...others } }));
}

function format(
  name: string,
  type: string,
  text: string,
  keys: readonly string[],
  batch: string,
  more: fc.Arbitrary<HostileBody>[] = [],
): HostileFormat {
  const headers = { 'content-type': type };
  return {
    name,
    ordinary: [text, batch].map((body) => ({ path: PATH, headers, body: Buffer.from(body) })),
    hostile: sent(mostly(brokenJson(text, keys), fc.oneof(largeJson(text), ...more)), 'gzip', { path: PATH, headers }),
  };
}

const EVENTS = Array.from({ length: 1000 }, (_, index) => JSON.stringify({ ...EVENT, id: String(index) }));
const CLOUD_EVENTS = Array.from({ length: 1000 }, (_, index) => JSON.stringify({ ...ORDER, id: String(index) }));
const KEYS = Object.keys(EVENT);
const ATTRIBUTES = Object.keys(ORDER);

export const eventFormats: readonly HostileFormat[] = [
  format('events in JSON', 'application/json', EVENT_TEXT, KEYS, `[${EVENTS.join()}]`),
  format('events in lines of JSON', 'application/x-ndjson', EVENT_TEXT, KEYS, EVENTS.join('\n'), [
    manyTimes(['{}\n', '1\n', '[]\n', '\n', `${EVENT_TEXT}\n`, '"\n', '{"a":\n', '\t\n']).map((lines) =>
      broken(`${lines}7`),
    ),
  ]),
  format('CloudEvents, structured', 'application/cloudevents+json', CLOUD_EVENT_TEXT, ATTRIBUTES, CLOUD_EVENT_TEXT),
  format(
    'CloudEvents in batches',
    'application/cloudevents-batch+json',
    `[${CLOUD_EVENT_TEXT}]`,
    ATTRIBUTES,
    `[${CLOUD_EVENTS.join()}]`,
  ),
  {
    name: 'CloudEvents in binary mode',
    ordinary: [],
    hostile: cloudEventsInBinaryMode(),
  },
];
