import { expect } from 'chai';
import fc from 'fast-check';
import { gzipSync } from 'node:zlib';
import { Memory } from '../faults/memory.js';
import { APPLICATION, ServiceProcess } from '../servers/service.js';

const CASES = Number(process.env.TRACKING_CASES ?? 200);
const MIB = 2 ** 20;
const LINE = 'm,host=a cpu=1.5,n=3i,s="x,\\" y",ok=t 1605179400000000000';

/** Ends with what no text can stand before, so that the whole is never right. */
const BAD_LINE = '\nm,a v=1';

interface Body {
  readonly bytes: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

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
  .map((lines): Body => ({ bytes: Buffer.from(lines + BAD_LINE) }));

const manyTimes = (part: string, times: number): string => part.repeat(Math.max(1, Math.floor(times / part.length)));

const large = fc
  .tuple(
    fc.constantFrom(
      ',',
      '=',
      '"',
      '\\',
      ' ',
      '#',
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
    ),
    fc.constantFrom(10_000, 200_000, 8 * MIB - 4096),
    fc.constantFrom('', 'm ', 'm,', 'm v=', 'm v="', ' '),
  )
  .map(([part, length, before]) => before + manyTimes(part, length) + BAD_LINE)
  .chain((body) =>
    fc.constantFrom<Body>(
      { bytes: Buffer.from(body) },
      { bytes: gzipSync(body), headers: { 'content-encoding': 'gzip' } },
    ),
  );

/** Thousands of series of one request, none seen before. */
const crowded = fc.tuple(fc.nat(1e9), fc.integer({ min: 10, max: 600 })).map(([seed, length]): Body => {
  const lines = Array.from({ length: 9000 }, (_, index) => `m,t${seed}=${index}${'x'.repeat(length)} v${index}=1`);
  return { bytes: Buffer.from(lines.join('\n') + BAD_LINE) };
});

/** What is right but for its last line, as large as it may be. */
const right = fc.oneof(
  crowded,
  fc.boolean().map((compressed): Body => {
    const bytes = Buffer.from(`m${'x'.repeat(700)},host=a cpu=1.5 1605179400000000000\n`.repeat(9999) + BAD_LINE);
    return compressed ? { bytes: gzipSync(bytes), headers: { 'content-encoding': 'gzip' } } : { bytes };
  }),
);

const bomb = fc
  .constantFrom(9 * MIB, 64 * MIB)
  .map((size): Body => ({ bytes: gzipSync(Buffer.alloc(size, 'm v=1\n')), headers: { 'content-encoding': 'gzip' } }));

const broken = fc.oneof(
  fc.nat(60).map((at): Body => ({ bytes: gzipSync(LINE).subarray(0, at), headers: { 'content-encoding': 'gzip' } })),
  fc.constantFrom('ff', 'c0af', 'eda080', 'f4908080').map((hex): Body => ({
    bytes: Buffer.concat([Buffer.from('m v=1,'), Buffer.from(hex, 'hex'), Buffer.from('=1')]),
  })),
  fc.constantFrom<Body>(
    { bytes: Buffer.from(LINE), headers: { 'content-encoding': 'br' } },
    { bytes: Buffer.from(LINE, 'utf16le') },
  ),
);

const hostile = fc.oneof(
  { weight: 200, arbitrary: malformed },
  { weight: 40, arbitrary: broken },
  { weight: 4, arbitrary: large },
  { weight: 1, arbitrary: crowded },
  { weight: 1, arbitrary: bomb },
);

describe('malformed, cut and hostile line protocol', () => {
  let service: ServiceProcess;
  before(async () => {
    service = await ServiceProcess.start();
  });
  after(() => service.stop());

  function write(path: string, { bytes, headers = {} }: Body): Promise<Response> {
    const authorization = `Token ${APPLICATION.id}:${APPLICATION.secret}`;
    return fetch(service.url + path, {
      method: 'POST',
      headers: { authorization, ...headers },
      body: new Uint8Array(bytes),
    });
  }

  /** The most that the service takes while something is done, in MiB. */
  async function mostMemory(work: () => Promise<unknown>): Promise<number> {
    const memory = new Memory(service);
    try {
      await work();
      return memory.stop();
    } finally {
      memory.stop();
    }
  }

  it(`is a 4xx that says what is wrong, stores nothing and takes under 50 MB more than right bodies of that size (${CASES} bodies)`, async function () {
    this.timeout(60_000 + CASES * 200);
    const usual = await mostMemory(async () => {
      for (const body of fc.sample(right, 100)) await write('/write', body);
    });
    const property = fc.asyncProperty(
      hostile,
      fc.constantFrom('/api/v2/write', '/write?strings=drop'),
      async (body, path) => {
        const answer = await write(path, body);
        const words = await answer.text();
        expect(answer.status, `${body.bytes.subarray(0, 200).toString()}\n${words}`).to.be.within(400, 499);
        const { message, error } = JSON.parse(words) as { message?: string; error?: string };
        expect(message ?? error).to.match(/[.)]$/);
        expect(words.length).to.be.below(20_000);
      },
    );
    const most = await mostMemory(() => fc.assert(property, { numRuns: CASES, endOnFailure: true }));
    const namespaces = await fetch(`${service.url}/api/events/`, {
      headers: { authorization: `Bearer ${await service.token()}` },
    });
    expect(await namespaces.json()).to.deep.equal([]);
    expect(service.log).not.to.match(/error/i);
    if (process.env.TRACKING_CASES !== undefined) {
      console.log(
        `      MiB at most: ${Math.round(usual)} while right bodies come, ${Math.round(most)} while these do`,
      );
    }
    expect(most - usual).to.be.below(50);
  });
});
