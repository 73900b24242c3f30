import fc from 'fast-check';
import type { Precision } from '../lib/line-protocol.js';

/** A body of line protocol as somebody may send it, well-formed or not. */
export interface SentLines {
  readonly precision: Precision & ('ns' | 'us' | 'ms' | 's');
  readonly body: string;
}

/** Stands in every measurement, for a test to put a number in its place: so no two bodies write to one series. */
export const MARK = '§';

const plain = fc.constantFrom('a', 'b', 'cpu', 'host', 'Server-1', 'é', '日本', '😀', '.', "'", '#', '%', '/', '1');
const escape = fc.constantFrom('\\,', '\\ ', '\\=');
const odd = fc.constantFrom(
  '"',
  '\\',
  '\\\\',
  '\\"',
  '=',
  ',',
  ' ',
  '\t',
  '\0',
  '\r',
  '\\\n',
  '\\n',
  '\u0085',
  '\uFEFF',
);
const piece = fc.oneof(
  { weight: 40, arbitrary: plain },
  { weight: 6, arbitrary: escape },
  { weight: 1, arbitrary: odd },
);

function text(minLength: number): fc.Arbitrary<string> {
  return fc.array(piece, { minLength, maxLength: 3 }).map((pieces) => pieces.join(''));
}

const key = fc.oneof(
  { weight: 30, arbitrary: text(1) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('time', '_field', '_measurement', '_x', 'name', '', '\0', 'table', 'result'),
  },
);

const measurement = fc
  .tuple(fc.oneof({ weight: 20, arbitrary: piece }, { weight: 1, arbitrary: fc.constant('') }), text(0))
  .map(([first, rest]) => `${first}${MARK}${rest}`);

const tags = fc
  .array(fc.tuple(key, fc.oneof({ weight: 30, arbitrary: text(1) }, { weight: 1, arbitrary: text(0) })), {
    maxLength: 4,
  })
  .map((pairs) => pairs.map(([tagKey, value]) => `,${tagKey}=${value}`).join(''));

const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.integer().map(String),
  fc.tuple(fc.nat(999_999), fc.nat(999_999)).map(([whole, part]) => `${whole}.${part}`),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => `${String(value)}i`),
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((value) => `${String(value)}u`),
  fc.constantFrom('0', '-0', '1.', '.5', '-.5', '1e5', '1E+5', '2.5e-308', '5e-325', '00012', '1.7976931348623157e308'),
  fc.constantFrom(
    '9007199254740993i',
    '9223372036854775807i',
    '-9223372036854775808i',
    '18446744073709551615u',
    '0i',
    '-0i',
    '0u',
  ),
);

const boolean = fc.constantFrom('t', 'T', 'true', 'True', 'TRUE', 'f', 'F', 'false', 'False', 'FALSE');

const string = fc
  .array(fc.oneof(plain, fc.constantFrom(',', ' ', '=', '\\"', '\\\\', '\n', '\\', '\\n')), { maxLength: 4 })
  .map((pieces) => `"${pieces.join('')}"`);

const noValue = fc.constantFrom(
  ...['', '-', '.', '-.', 'e5', '1e', '1e5e5', '1e400', '+1', '0x1', '1_0', 'NaN', 'nan', 'inf', '-Inf', '1,', '1.2.3'],
  ...['1ii', '1iu', 'i', '-i', 'u', '1.5i', '1e5i', '-1u', '1i5', '9223372036854775808i', '-9223372036854775809i'],
  ...['18446744073709551616u', 'tRUE', 'trues', 'yes', '"', '"a', 'a"', '"a"b', '"a"=1', '1 1', '1\\', 't\\ ', '1\r'],
);

const value = fc.oneof(
  { weight: 20, arbitrary: number },
  { weight: 4, arbitrary: boolean },
  { weight: 4, arbitrary: string },
  { weight: 1, arbitrary: noValue },
);

const fields = fc
  .array(fc.tuple(key, value), { minLength: 1, maxLength: 4 })
  .map((pairs) => pairs.map(([fieldKey, own]) => `${fieldKey}=${own}`).join(','));

const UNITS = { ns: 1_000_000_000n, us: 1_000_000n, ms: 1000n, s: 1n } as const;
/** A few weeks, for InfluxDB makes a file for each. */
const seconds = fc.oneof(
  { weight: 20, arbitrary: fc.bigInt({ min: 1_605_000_000n, max: 1_606_000_000n }) },
  { weight: 1, arbitrary: fc.constantFrom(0n, 1n, -1n, -9_000_000_000n, 9_000_000_000n) },
);
const noTimestamp = fc.constantFrom(
  '-',
  '1.5',
  '1e9',
  '1i',
  'now',
  '99999999999999999999',
  '9223372036854775807',
  '1 2',
  '1\r',
  '"1"',
);

const blank = fc.oneof(
  { weight: 30, arbitrary: fc.constant(' ') },
  { weight: 1, arbitrary: fc.constantFrom('  ', ' \t', '\t ', ' \0', '\t') },
);
const lead = fc.oneof(
  { weight: 20, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(' ', '\t', ' \t ', '\0', '#') },
);
const trail = fc.oneof(
  { weight: 20, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constantFrom(' ', '  ', '\t', '\r', ' x', ',') },
);

function line(unit: bigint): fc.Arbitrary<string> {
  const timestamp = fc.oneof(
    {
      weight: 20,
      arbitrary: fc
        .tuple(seconds, fc.bigInt({ min: 0n, max: unit - 1n }))
        .map(([whole, part]) => String(whole * unit + part)),
    },
    { weight: 4, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: noTimestamp },
  );
  return fc
    .tuple(lead, measurement, tags, blank, fields, blank, timestamp, trail)
    .map(
      ([before, name, tagTexts, first, fieldTexts, second, time, after]) =>
        `${before}${name}${tagTexts}${first}${fieldTexts}${time === '' ? '' : second}${time}${after}`,
    );
}

const nothing = fc.constantFrom('', ' ', '# a comment', '#', '  # v="', '\t', '\r');

/** Puts something in the place of some characters, or cuts the rest off. */
function mutated(body: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const put = fc.oneof(odd, piece, fc.constantFrom('', '\n', '§', '"', ' ', ',', '='));
  return fc.tuple(body, fc.nat(), fc.nat(2), put, fc.boolean()).map(([whole, place, removed, added, cut]) => {
    const at = place % (whole.length + 1);
    // Half a surrogate pair would be no UTF-8.
    return Buffer.from(whole.slice(0, at) + added + (cut ? '' : whole.slice(at + removed))).toString();
  });
}

export const sentLines: fc.Arbitrary<SentLines> = fc
  .constantFrom(...(Object.keys(UNITS) as (keyof typeof UNITS)[]))
  .chain((precision) => {
    const one = line(UNITS[precision]);
    const several = fc
      .tuple(
        fc.array(fc.oneof({ weight: 8, arbitrary: one }, { weight: 1, arbitrary: nothing }), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.constantFrom('\n', '\n', '\n', '\r\n', '\n\n'),
      )
      .map(([lines, end]) => lines.join(end) + end);
    const body = fc.oneof({ weight: 10, arbitrary: one }, { weight: 3, arbitrary: several });
    return fc
      .oneof({ weight: 3, arbitrary: body }, { weight: 1, arbitrary: mutated(body) })
      .map((made) => ({ precision, body: made }));
  });
