import { expect } from 'chai';
import fc from 'fast-check';
import { adoptSeries } from '../lib/adoption.js';
import { TrackingError } from '../lib/errors.js';
import type { Point } from '../lib/event.js';
import { LineProtocol, type LineReception } from '../lib/line-protocol.js';

const RECEPTION: LineReception = { precision: 'ns', receivedAt: 5n, strings: 'refuse' };

function read(text: string, reception: Partial<LineReception> = {}): readonly Point[] {
  return new LineProtocol().read(Buffer.from(text), { ...RECEPTION, ...reception }).points;
}

/** `namespace/name{"tag":"value"}=value@time identity`. */
function written({ series, value, time, identity }: Point): string {
  return `${series.namespace}/${series.name}${JSON.stringify(series.tags)}=${value}@${String(time)} ${identity.kind}`;
}

function refusal(text: string, reception: Partial<LineReception> = {}): TrackingError {
  try {
    read(text, reception);
  } catch (error) {
    if (error instanceof TrackingError) return error;
    throw error;
  }
  throw new Error(`Nothing is wrong with ${text}`);
}

function words(text: string, reception: Partial<LineReception> = {}): string {
  return refusal(text, reception)
    .mistakes.map(({ message }) => message)
    .join('\n');
}

describe('line protocol', () => {
  it('makes each field an event, and a sample where there is a timestamp', () => {
    expect(read('cpu,host=a,zone=1 user=1.5,idle=98i 10\ncpu user=2').map(written)).to.deep.equal([
      'cpu/user{"host":"a","zone":"1"}=1.5@10 sample',
      'cpu/idle{"host":"a","zone":"1"}=98@10 sample',
      'cpu/user{}=2@5 none',
    ]);
  });

  it('is one series whatever the order of the tags', () => {
    const [one, other] = read('cpu,b=2,a=1 v=1 1\ncpu,a=1,b=2 v=1 1');
    expect(one?.series).to.deep.equal(other?.series);
  });

  it('has numbers of 64 bits, of which the nearest double is kept, and booleans', () => {
    const values = read(
      'm a=9223372036854775807i,b=18446744073709551615u,c=9007199254740993i,d=-0,e=1e-400,f=T,g=false,h=.5,i=5.,j=0.1234567890123456789',
    ).map(({ value }) => value);
    expect(values).to.deep.equal([2 ** 63, 2 ** 64, 2 ** 53, 0, 0, 1, 0, 0.5, 5, 0.12345678901234568]);
    expect(Object.is(values[3], 0)).to.equal(true);
  });

  it('reads every double as JavaScript does', () => {
    const property = fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(20), (value, digits) => {
      for (const text of [String(value), value.toExponential(), Math.abs(value) < 1e15 ? value.toFixed(digits) : '1']) {
        if (!text.includes('+')) expect(read(`m v=${text}`)[0]?.value).to.equal(Number(text) === 0 ? 0 : Number(text));
      }
    });
    fc.assert(property, { numRuns: Number(process.env.TRACKING_CASES ?? 200) });
  });

  it('knows escapes, strings over several lines, comments, blank lines and blanks', () => {
    const text = '# a comment\n\n  \\#a\\,\\ b,t\\=1=\\,\\  f\\ 1=1,s="x,\\" =\n# y" 7  \n\tm v=1 8\n';
    const { points, droppedStrings } = new LineProtocol().read(Buffer.from(text), { ...RECEPTION, strings: 'drop' });
    expect(points.map(written)).to.deep.equal(['\\#a, b/f 1{"t=1":", "}=1@7 sample', 'm/v{}=1@8 sample']);
    expect(droppedStrings).to.equal(1);
  });

  it('has timestamps of each precision', () => {
    for (const [precision, time] of [
      ['ns', 7n],
      ['us', 7000n],
      ['ms', 7_000_000n],
      ['s', 7_000_000_000n],
      ['m', 420_000_000_000n],
      ['h', 25_200_000_000_000n],
    ] as const) {
      expect(read('m v=1 7\nm\\ 2 v=1 -7', { precision }).map((point) => point.time)).to.deep.equal([time, -time]);
    }
  });

  it('takes names that may not be so here as others, and keeps them apart', () => {
    const names = read('_m,name=a,exported_name=b v=1 1\nm _v=1 1').map(({ series }) => series);
    expect(names.map(({ namespace, name }) => [namespace, name])).to.deep.equal([
      ['exported__m', 'v'],
      ['m', 'exported__v'],
    ]);
  });

  it('is refused whole, with each bad line named and what would be right', () => {
    const bad = refusal('m v=1 1\nm,a v=1\n\nm v=x\n');
    expect(bad.code).to.equal('invalid');
    expect(bad.message).to.equal('Nothing was stored: 2 of 3 line(s) are not right.');
    expect(bad.mistakes.map(({ message }) => message)).to.deep.equal([
      'line 2 has a tag "a" without a value: TAG=VALUE',
      'line 4 has a field "v" with the value "x", which is none: a number such as 0.5, 5i or 5u, true or false, or a "string"',
    ]);
  });

  it('says what is wrong', () => {
    expect(words(',a=b v=1')).to.equal('line 1 has no measurement before its first comma');
    expect(words('m')).to.match(/^line 1 has no fields: MEASUREMENT/);
    expect(words('m,a=b')).to.match(/^line 1 has no fields/);
    expect(words('m,=b v=1')).to.match(/^line 1 has a tag without a key/);
    expect(words('m,a= v=1')).to.equal('line 1 has a tag "a" without a value: leave such a tag out');
    expect(words('m,a=b=c v=1')).to.equal('line 1 has an equals sign in the value of the tag "a": write it \\=');
    expect(words('m,a=1,b=1,a=2 v=1')).to.equal('line 1 has two tags "a"');
    expect(words('m,time=1 v=1')).to.match(/^line 1 has a tag "time", a name that InfluxDB keeps/);
    expect(words('m v=')).to.equal('line 1 has a field "v" without a value');
    expect(words('m a=1,v= 1')).to.equal('line 1 has a field "v" without a value');
    expect(words('m =1')).to.equal('line 1 has a field without a key: FIELD=VALUE');
    expect(words('m v=1,b')).to.match(/^line 1 has fields that are not FIELD=VALUE/);
    expect(words('m v="a')).to.equal('line 1 has a string that does not end: a quote is missing');
    expect(words('m a\\\\=" a=" 1')).to.match(/^line 1 has a field .* with the value "\\"", which is none/);
    expect(words('m v=1 now')).to.equal('line 1 has a timestamp "now", which is no whole number');
    expect(words('m v=1 1\r')).to.match(/which is no whole number \(lines end with a newline, without/);
    expect(words('m v=1 1605179400000', { precision: 's' })).to.match(
      /must lie in the days .* \(is precision what it should be\?\)\.?$/,
    );
    expect(words(`${'m'.repeat(70_000)} v=1`)).to.equal('line 1 has names of more than 65535 bytes together');
  });

  it('refuses strings with a reason, unless they may be dropped', () => {
    expect(words('system load1=0.5,uptime_format="1 day" 1')).to.equal(
      'line 1 has a field "uptime_format" that is a string, and events are numbers: leave it out, or let strings be dropped with ?strings=drop',
    );
    const read = new LineProtocol().read(Buffer.from('system load1=0.5,up="1" 1\nlog m="x" 1'), {
      ...RECEPTION,
      strings: 'drop',
    });
    expect(read.points.map(written)).to.deep.equal(['system/load1{}=0.5@1 sample']);
    expect(read.droppedStrings).to.equal(2);
  });

  it('is not read on where there are more than 10,000 lines, or more than 100,000 fields', () => {
    const line = 'm v=1 1\n';
    expect(read(line.repeat(10_000) + '# comment\n\n')).to.have.length(10_000);
    expect(refusal(line.repeat(10_001)).message).to.match(/at most 10000 lines/);
    const fields = Array.from({ length: 11 }, (_, index) => `f${index}=1`).join(',');
    expect(refusal(`m ${fields} 1\n`.repeat(9_100)).code).to.equal('too-large');
  });

  it('is read the same again, however many series there were in between', () => {
    const protocol = new LineProtocol();
    const all = (round: number): Point[] =>
      Array.from({ length: 20 }, (_, part) => {
        const lines = Array.from(
          { length: 1000 },
          (_, index) => `m,t=${'x'.repeat(100)}${part}-${index} v=${round},w=2 1`,
        );
        return protocol.read(Buffer.from(lines.join('\n')), RECEPTION).points;
      }).flat();
    const first = all(1);
    const second = all(1);
    expect(second.map(({ series }) => series.key)).to.deep.equal(first.map(({ series }) => series.key));
    expect(new Set(first.map(({ series }) => series.key)).size).to.equal(40_000);
  });

  it('takes names apart once, however long they are and however many fields follow', () => {
    const [measurement, tag] = ['m'.repeat(30_000), 't'.repeat(30_000)];
    const points = read(
      `${measurement},tag=${tag} ${Array.from({ length: 40_000 }, (_, key) => `f${key}=1`).join(',')}`,
    );
    expect(points).to.have.length(40_000);
    expect(points.at(-1)?.series.key).to.equal(adoptSeries(measurement, 'f39999', [['tag', tag]]).key);
  });
});
