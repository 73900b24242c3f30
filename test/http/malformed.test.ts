import { expect } from 'chai';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { explainJson } from '../../lib/http/json-mistake.js';
import { type Front, openFront, problemIn } from './front.js';
import { EVENT } from './samples.js';

const CASES = Number(process.env.TRACKING_CASES ?? 200);

interface Malformed {
  readonly method: 'POST' | 'GET';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

const EVENT_TEXT = JSON.stringify(EVENT);

function tracked(body: string | Uint8Array, headers: Record<string, string> = {}): Malformed {
  return {
    method: 'POST',
    path: '/api/track/',
    headers: { 'content-type': 'application/json', authorization: 'Bearer all', ...headers },
    body: typeof body === 'string' ? Buffer.from(body) : body,
  };
}

function asked(path: string): Malformed {
  return { method: 'GET', path, headers: { authorization: 'Bearer all' } };
}

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const odd = fc.constantFrom<unknown>(
  null,
  true,
  [],
  {},
  [[]],
  { a: 1 },
  '',
  '_x',
  '..',
  '\u0000',
  'a\nb',
  '\ud800',
  'x'.repeat(129),
);
const unhappy: Readonly<Record<keyof typeof EVENT, fc.Arbitrary<unknown>>> = {
  namespace: fc.oneof(odd, fc.double()),
  name: fc.oneof(odd, fc.double()),
  timestamp: fc.oneof(
    odd,
    fc.constantFrom('now', '2020-02-30T00:00:00Z', '2020-01-01', '1500-01-01T00:00:00Z', 1e300, -1e12, 1605179400000),
  ),
  value: fc.oneof(odd, fc.constantFrom('42', 'NaN', [42])),
  tags: fc.oneof(
    fc.constantFrom<unknown>(null, true, 1, '', [], ['a']),
    odd.map((value) => ({ host: value })),
    fc.constantFrom({ name: 'a' }, { time: 'a' }, { _a: 'a' }, { '': 'a' }, { ['k'.repeat(65)]: 'a' }),
    fc.constant(Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'a']))),
  ),
  id: fc.constantFrom<unknown>(null, true, 1, '', [], {}, '\u0000', '\ud800', 'x'.repeat(129)),
};

const wrongType = fc
  .constantFrom(...(Object.keys(unhappy) as (keyof typeof EVENT)[]))
  .chain((key) => unhappy[key].map((value) => tracked(JSON.stringify([EVENT, { ...EVENT, [key]: value }]))));

const wrongShape = fc
  .constantFrom(
    ...[
      '{}',
      '[{}]',
      '[[]]',
      '[1]',
      '[null]',
      'null',
      'true',
      '1',
      '"a"',
      `{"__proto__":{"value":1}}`,
      `[${EVENT_TEXT},2]`,
    ],
    ...[
      `${EVENT_TEXT.slice(0, -1)},"__proto__":{}}`,
      `${EVENT_TEXT.slice(0, -1)},"extra":1}`,
      `{"events":[${EVENT_TEXT}]}`,
    ],
    `{"namespace":"a","name":"b","value":1,"id":"needs a timestamp"}`,
  )
  .map((text) => tracked(text));

const crowd = fc.tuple(fc.integer({ min: 18, max: 20_000 }), fc.boolean()).map(([count, inTags]) => {
  const keys = Array.from({ length: count }, (_, index) => `"k${index}":"1"`).join(',');
  return tracked(inTags ? EVENT_TEXT.replace('"host":"a"', keys) : `{${keys}}`);
});

const hugeNumber = fc
  .tuple(
    fc.constantFrom('value', 'timestamp'),
    fc.constantFrom('1e999', '-1e999', '9'.repeat(400), '1e309', `-${'9'.repeat(310)}.5`),
  )
  .map(([key, number]) => tracked(EVENT_TEXT.replace(/}$/, `,"${key}":${number}}`)));

const deep = fc
  .tuple(
    fc.integer({ min: 1, max: 30_000 }),
    fc.constantFrom(['[', ']'], ['{"a":', '}'], ['[{"tags":', '}]'], ['[', '']),
  )
  .map(([depth, [open = '', close = '']]) => tracked(`${open.repeat(depth)}1${close.repeat(depth)}`));

const brokenJson = fc
  .tuple(
    fc.nat(EVENT_TEXT.length),
    fc.nat(3),
    fc.constantFrom('', '"', '{', '}', ',', ':', '\\', '\u0007', 'x', '\n', '01', "'"),
  )
  .map(([at, removed, put]) => EVENT_TEXT.slice(0, at) + put + EVENT_TEXT.slice(at + removed))
  .filter((text) => !parses(text))
  .chain((text) => fc.constantFrom(tracked(text), tracked(text, { 'content-type': 'application/x-ndjson' })));

const brokenGzip = fc
  .tuple(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean())
  .map(([at, bits, cut]) => {
    const bytes = gzipSync(EVENT_TEXT);
    // The header's time, flags of compression and system say nothing about the content.
    const position = 10 + (at % (bytes.length - 10));
    if (cut) return bytes.subarray(0, position);
    bytes[position] = (bytes[position] ?? 0) ^ bits;
    return bytes;
  })
  .map((bytes) => tracked(bytes, { 'content-encoding': 'gzip' }));

const oddEncoding = fc.constantFrom(
  ...['utf-16', 'latin1', 'us-ascii', '"utf-7"'].map((charset) =>
    tracked(EVENT_TEXT, { 'content-type': `application/json; charset=${charset}` }),
  ),
  ...['br', 'deflate', 'zstd', 'gzip, gzip', 'x'].map((encoding) =>
    tracked(EVENT_TEXT, { 'content-encoding': encoding }),
  ),
  ...(['utf16le', 'ucs2'] as const).map((encoding) => tracked(Buffer.from(EVENT_TEXT, encoding))),
  ...['ff', 'c0af', 'eda080', 'f4908080', '22c3'].map((hex) => tracked(Buffer.from(hex, 'hex'))),
  tracked(Buffer.from(EVENT_TEXT.replace('cpu', 'cp\u00fc'), 'latin1')),
);

const wrongHeaders = fc.constantFrom(
  ...['', 'text/plain', 'multipart/form-data', 'application/xml', 'json', 'application/json, text/plain', ';'].map(
    (type) => tracked(EVENT_TEXT, { 'content-type': type }),
  ),
  ...['', 'Bearer', 'Bearer ', 'Bearer x', 'Bearer all all', 'Basic YWxsOmFsbA==', 'Bearer reader', 'Bearer Âé'].map(
    (authorization) => tracked(EVENT_TEXT, { authorization }),
  ),
  ...['', 'k'.repeat(129), '\u0085'].map((key) => tracked(EVENT_TEXT, { 'idempotency-key': key })),
);

const wrongQuestion = fc
  .tuple(
    fc.constantFrom(
      'tsMin',
      'tsMax',
      'granularity',
      'aggregationType',
      'weekStart',
      'timezone',
      'groupBy',
      'fill',
      'limit',
      'cursor',
      'x',
    ),
    fc.constantFrom(
      '',
      '_',
      '-',
      '%',
      '%ff',
      '0x10',
      '1e400',
      '٣',
      '%00',
      "'; DROP TABLE events; --",
      '[1]',
      '{}',
      'tag.host',
      '😀',
    ),
  )
  .filter(([key, value]) => !(key === 'groupBy' && /^[-[{0-9t1'٣😀]/u.test(value)))
  .map(([key, value]) =>
    asked(`/api/events/Server-1/cpu?${key}=${value.replaceAll('😀', '%F0%9F%98%80').replaceAll('٣', '%D9%A3')}`),
  );

const wrongAddress = fc
  .constantFrom(
    '/api/events/%/cpu',
    '/api/events/a/%ff',
    '/api/events/a/b/c',
    '/api/tracks',
    '//',
    '/%2e%2e/etc/passwd',
  )
  .map(asked);

const malformed = fc.oneof(
  wrongType,
  wrongShape,
  hugeNumber,
  crowd,
  deep,
  brokenJson,
  brokenGzip,
  oddEncoding,
  wrongHeaders,
  wrongQuestion,
  wrongAddress,
);

describe('malformed requests', () => {
  let front: Front;
  before(async () => {
    front = await openFront();
    // For a question about nothing is answered with nothing, whatever its cursor.
    await front.track([{ ...EVENT, timestamp: 0 }]);
  });
  after(() => front.close());

  it(`are each a 4xx that says what is wrong, and store nothing (${CASES} cases)`, async function () {
    this.timeout(120_000);
    const property = fc.asyncProperty(malformed, async ({ method, path, headers, body }) => {
      const response = await fetch(front.url + path, { method, headers, ...(body && { body: new Uint8Array(body) }) });
      const problem = await problemIn(response);
      expect(problem.status, JSON.stringify(problem)).to.be.within(400, 499);
      expect(problem.detail).to.match(/[.?]$/);
      expect(front.points).to.have.length(1);
    });
    await fc.assert(property, { numRuns: CASES });
    expect(front.logged.filter(({ level }) => level === 'error' || level === 'warn')).to.be.empty;
  });
});

describe('the words for broken JSON', () => {
  const FINE = 'it ends where the end was expected';

  it('come for all that JSON.parse refuses, and for nothing else', () => {
    const piece = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '"a"',
        '\\',
        '\\u12aF',
        '\\n',
        '\\x',
        '\n',
        '\t',
        ' ',
        '\u0000',
        '\u0085',
        '\u2028',
      ],
      ...[
        '0',
        '1',
        '-',
        '.',
        'e',
        '+',
        '01',
        '-0.5E+3',
        '1.',
        'true',
        'false',
        'null',
        'nul',
        'nulls',
        'NaN',
        '//',
        "'",
      ],
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
      fc.json(),
      fc.tuple(fc.json(), fc.nat(), piece).map(([json, at, put]) => {
        const position = at % (json.length + 1);
        return json.slice(0, position) + put + json.slice(position);
      }),
    );
    const property = fc.property(text, (candidate) => {
      expect(explainJson(candidate) === FINE, candidate).to.equal(parses(candidate));
    });
    fc.assert(property, { numRuns: CASES * 10 });
  });

  it('name the place', () => {
    expect(explainJson('[1,\n  2,,]')).to.equal('line 2, column 5: expected a value, found ,');
    expect(explainJson('{"a": tru}')).to.equal('line 1, column 7: expected a value, found tru');
    expect(explainJson('{"a": 1} x')).to.equal('line 1, column 10: expected the end, found x');
    expect(explainJson('{"a": "b\n"}')).to.match(
      /^line 1, column 7: expected a value, found a string that does not end/,
    );
    expect(explainJson('[{"a": 1')).to.equal('it ends where a comma or } was expected');
  });

  it('come for megabytes too', () => {
    for (const text of [
      `"${'a'.repeat(8e6)}`,
      '['.repeat(8e6),
      ' '.repeat(8e6),
      '1'.repeat(8e6) + 'x',
      '[1,'.repeat(2e6),
    ]) {
      expect(explainJson(text)).to.be.a('string');
    }
  });
});
