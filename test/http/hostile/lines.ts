import fc from 'fast-check';
import { broken, type HostileBody, type HostileFormat, manyTimes, MIB, mostly, odd, sent } from './request.js';

const LINE = 'm,host=a cpu=1.5,n=3i,s="x,\\" y",ok=t 1605179400000000000';

/** Ends with what no text can stand before, so that the whole is never right. */
const BAD_LINE = '\nm,a v=1';

const characters = fc.constantFrom(...Array.from('mhost,= "\\\n\t\0\r-.019eiuTN_é😀'));

const mutated = fc
  .tuple(fc.nat(LINE.length), fc.nat(4), fc.array(characters, { maxLength: 3 }))
  .map(([at, removed, put]) => LINE.slice(0, at) + put.join('') + LINE.slice(at + removed));
const text = fc.oneof(
  mutated,
  fc.nat(LINE.length).map((at) => LINE.slice(0, at)),
  fc.array(characters, { maxLength: 40 }).map((all) => all.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

/** Short ones. A comment may take the bad line into itself, as InfluxDB reads it, so there is none. */
const malformed = fc
  .tuple(fc.array(text, { minLength: 1, maxLength: 3 }), fc.constantFrom('\n', '\r\n'))
  // A quote that is left open takes the bad line into its string, which is then one that does not end.
  .map(([lines, end]) => lines.join(end))
  .filter((lines) => !lines.includes('#'))
  .map((lines) => broken(lines + BAD_LINE));

const noText = fc.oneof(
  fc
    .constantFrom('ff', 'c0af', 'eda080', 'f4908080')
    .map((hex) => broken(Buffer.concat([Buffer.from('m v=1,'), Buffer.from(hex, 'hex'), Buffer.from('=1')]))),
  fc.constant(broken(Buffer.from(LINE, 'utf16le'))),
);

const repeated = manyTimes(
  [
    ...[
      ',',
      '=',
      '"',
      '\\',
      ' ',
      'm',
      ',a=b',
      'a=1,',
      '"\n',
      '\\\n',
      'm v=1\n',
      'm,a v\n',
      '😀',
      '\0',
      'm v="a\n',
      '9',
    ],
    ...['\\,', '\\"', 'a="",', 'm v="a\nb"\n', 'm v=1 9', '\n', 'm v=x\n', '0'],
  ],
  ['', 'm ', 'm,', 'm v=', 'm v="', ' ', 'm v=1 ', 'm s="",', '#', 'm,a=b\\'],
  ['', 'i', 'u', '"', '=1'].map((end) => end + BAD_LINE),
).map((body) => (body.startsWith('#') ? odd(body) : broken(body)));

/** Thousands of series of one request, none seen before. */
const crowded = fc.tuple(fc.nat(1e9), fc.integer({ min: 10, max: 600 })).map(([seed, length]): HostileBody => {
  const lines = Array.from({ length: 9000 }, (_, index) => `m,t${seed}=${index}${'x'.repeat(length)} v${index}=1`);
  return broken(lines.join('\n') + BAD_LINE);
});

/** As many fields as one line may have, and more, of series with long tags. */
const wide = fc
  .tuple(fc.nat(1e9), fc.constantFrom(1000, 99_999, 1_000_000), fc.nat(15), fc.boolean())
  .map(([seed, count, tags, isQuoted]): HostileBody => {
    const words = Array.from({ length: tags }, (_, tag) => `,t${tag}=${'x'.repeat(128)}`).join('');
    const fields = Array.from({ length: count }, (_, index) => `${index}=1`)
      .join(',')
      .slice(0, 7.9 * MIB);
    return broken(`m${seed}${words} ${isQuoted ? 's="",' : ''}${fields}${BAD_LINE}`);
  });

/** What is right but for being too much. */
const tooMuch = fc
  .constantFrom('m v=1\n'.repeat(10_001), `m ${'a=1,'.repeat(2 * MIB - 100)}a=1`, `m s="",${'a=1,'.repeat(MIB)}a=1`)
  .map(broken);

const hostile = mostly(
  fc.oneof({ weight: 9, arbitrary: malformed }, { weight: 1, arbitrary: noText }),
  fc.oneof(
    { weight: 6, arbitrary: repeated },
    { weight: 1, arbitrary: crowded },
    { weight: 1, arbitrary: wide },
    { weight: 1, arbitrary: tooMuch },
    { weight: 1, arbitrary: fc.constantFrom('\n', '#', '# m v=1\n').map((part) => odd(part.repeat(MIB))) },
  ),
);

/** What Telegraf and the clients of InfluxDB send at once. */
const ordinary = Array.from({ length: 10 }, (_, batch) =>
  Array.from(
    { length: 5000 },
    (_, index) =>
      `cpu,host=web-${index % 1000},region=eu-${index % 4} usage_user=${index / 100},usage_idle=${batch / 3} ${1_605_179_400 + batch * 5 + Math.floor(index / 1000)}000000000`,
  ).join('\n'),
);

export const lineFormats: readonly HostileFormat[] = [
  {
    name: 'line protocol',
    ordinary: ordinary.map((body) => ({ path: '/api/v2/write', headers: {}, body: Buffer.from(body) })),
    hostile: sent(hostile, 'gzip', { path: fc.constantFrom('/api/v2/write', '/write?strings=drop') }),
  },
];
