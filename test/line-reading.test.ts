import { expect } from 'chai';
import fc from 'fast-check';
import { TrackingError } from '../lib/errors.js';
import type { Point } from '../lib/event.js';
import { LineProtocol, type LineReception } from '../lib/line-protocol.js';
import { sentLines } from './lines.js';

const RECEPTION: LineReception = { precision: 'ns', receivedAt: 5n, strings: 'drop' };

function read(body: string): readonly Point[] {
  return new LineProtocol().read(Buffer.from(body), RECEPTION).points;
}

function refusal(body: string): TrackingError {
  try {
    read(body);
  } catch (error) {
    if (error instanceof TrackingError) return error;
    throw error;
  }
  throw new Error('Nothing is wrong with it.');
}

describe('a body of line protocol', () => {
  /** So long that they end wherever they like in the parts in which a body is read. */
  const lines = fc.array(
    fc.oneof(
      fc.nat(999).map((number) => `cpu,host=${number} v=${number},w=2 ${number}`),
      fc.nat(999).map((number) => `cpu,host=é\\ 😀${number} v=${number}i`),
      fc
        .integer({ min: 1, max: 3000 })
        .map((length) => `log v=1,s="${'a\n😀"\\"b'.slice(0, 3)}${'x\n'.repeat(length)}"`),
      fc.integer({ min: 1, max: 3000 }).map((length) => `m\\\n${'é'.repeat(length)} v=1`),
      fc.integer({ min: 1, max: 3000 }).map((length) => `# ${'c'.repeat(length)}`),
      fc.constant(''),
    ),
    { minLength: 200, maxLength: 400 },
  );

  it('is read in parts as each line is read alone', () => {
    const property = fc.property(lines, (all) => {
      expect(read(all.join('\n'))).to.deep.equal(all.flatMap(read));
    });
    fc.assert(property, { numRuns: Number(process.env.TRACKING_CASES ?? 50) });
  });

  it('is read and refused the same wherever a part of it ends', () => {
    const outcome = (body: string): unknown => {
      try {
        return new LineProtocol().read(Buffer.from(body), RECEPTION);
      } catch (error) {
        if (!(error instanceof TrackingError)) throw error;
        return [error.message, error.mistakes.map(({ message }) => message.replace(/^line \d+ /, ''))];
      }
    };
    const property = fc.property(sentLines, sentLines, fc.nat(), ({ body: one }, { body: other }, place) => {
      const body = `${one}\n${other}`;
      // A part ends at the first newline behind 64 KiB.
      const comment = `#${'c'.repeat(65_534 - (place % Buffer.byteLength(body)))}\n`;
      expect(outcome(comment + body)).to.deep.equal(outcome(body));
    });
    fc.assert(property, { numRuns: Number(process.env.TRACKING_CASES ?? 300) });
  });

  it('has a line of megabytes, with newlines in its string', () => {
    const string = `s="${'a line\n'.repeat(700_000)}"`;
    expect(read(`m v=1\nm ${string},v=2\nm v=3`).map(({ value }) => value)).to.deep.equal([1, 2, 3]);
  });

  it('has its bad lines numbered through all parts', () => {
    const right = 'm v=1\n\n# comment\n\nm s="1\n2\n3",v=2\n'; // seven
    const { message, mistakes } = refusal(`${right.repeat(4000)}m,a v=1\n${right.repeat(500)}m v=x`);
    expect(message).to.equal('Nothing was stored: 2 of 9002 line(s) are not right.');
    expect(mistakes.map((mistake) => mistake.message.split(' has ')[0])).to.deep.equal(['line 28001', 'line 31502']);
  });

  it('may have digits by the million, which are refused at once', () => {
    const digits = '9'.repeat(4_000_000);
    expect(refusal(`m v=1 ${digits}`).mistakes[0]?.message).to.match(
      /^line 1 has a timestamp that must lie in the days/,
    );
    expect(refusal(`m v=${digits}i`).mistakes[0]?.message).to.match(/^line 1 has a field "v" with the value "9/);
    expect(read(`m v=${'0'.repeat(1_000_000)}7i ${'0'.repeat(1_000_000)}8`)).to.have.length(1);
  });

  it('has names no longer than InfluxDB takes, also where its series is known', () => {
    const protocol = new LineProtocol();
    const series = `m,t=${'x'.repeat(60_000)}`;
    protocol.read(Buffer.from(`${series} v=1`), RECEPTION);
    expect(() => protocol.read(Buffer.from(`${series} ${'f'.repeat(6000)}=1`), RECEPTION)).to.throw(TrackingError);
    expect(refusal(`${'\\,'.repeat(4_000_000)} v=1`).mistakes[0]?.message).to.match(/names of more than 65535 bytes/);
  });

  it('does not become many times what it is, by tags that count for each field of their line', () => {
    const tags = Array.from({ length: 16 }, (_, tag) => `,t${tag}=${'x'.repeat(128)}`).join('');
    const fields = (count: number): string => Array.from({ length: count }, (_, index) => `${index}=1`).join(',');
    expect(read(`m${tags} ${fields(20_000)}`)).to.have.length(20_000);
    const refused = refusal(`m${tags} ${fields(90_000)}`);
    expect(refused.code).to.equal('too-large');
    expect(refused.message).to.match(
      /^A request may carry at most 67108864 characters of series, each with all its tags/,
    );
  });

  it('is refused where one line has more fields than a request may', () => {
    for (const first of ['', 's="",']) {
      const { code, message } = refusal(`m ${first}${'a=1,'.repeat(100_000)}a=1`);
      expect([code, message]).to.deep.equal([
        'too-large',
        'A request may carry at most 100000 values. Send them in several.',
      ]);
    }
  });
});
