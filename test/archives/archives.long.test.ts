import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { gunzipSync } from 'node:zlib';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Archive } from '../../lib/archive.js';
import { csv } from '../../lib/archives/csv.js';
import { ndjson } from '../../lib/archives/ndjson.js';
import { textArchive } from '../../lib/archives/text.js';
import { parquetArchive } from '../../lib/duckdb/parquet.js';
import { identityOfId, type Point, seriesOf } from '../../lib/event.js';
import { lineProtocol } from '../../lib/influxdb/line-archive.js';
import { temporaryDirectory } from '../files/temporary.js';
import { storedPoint } from './stored-point.js';

const ARCHIVES: Readonly<Record<string, Archive>> = {
  NDJSON: textArchive(ndjson, { gzip: false }),
  'NDJSON in gzip': textArchive(ndjson, { gzip: true }),
  CSV: textArchive(csv, { gzip: false }),
  'CSV in gzip': textArchive(csv, { gzip: true }),
  'line protocol': textArchive(lineProtocol, { gzip: false }),
  'line protocol in gzip': textArchive(lineProtocol, { gzip: true }),
  Parquet: parquetArchive({ compression: 'zstd' }),
};

const FOUR: readonly Point[] = [
  { series: seriesOf('Server-1', 'cpu'), time: 1_605_179_400_123_456_789n, value: 0.1, identity: { kind: 'none' } },
  {
    series: seriesOf('Server-1', 'cpu', { host: 'a' }),
    time: 1_605_179_400_123_456_790n,
    value: -1e100,
    identity: { kind: 'sample' },
  },
  ...[1n, -1n].map((fingerprint): Point => ({
    series: seriesOf('a, "b"\\', 'c=d #'),
    time: -1n,
    value: 3,
    identity: { kind: 'id', fingerprint, placed: true },
  })),
];

describe('an archive', function () {
  this.timeout(60_000);
  const directory = temporaryDirectory();
  const file = (): string => join(directory.path, 'points [1]*');

  async function write(archive: Archive, batches: readonly (readonly Point[])[]): Promise<void> {
    const output = createWriteStream(file());
    await archive.write(inTurn(batches), output);
    await finished(output.end());
  }

  async function read(archive: Archive): Promise<Point[]> {
    const points: Point[] = [];
    for await (const batch of archive.read(file())) points.push(...batch);
    return points;
  }

  async function refusal(archive: Archive, content: string | Buffer): Promise<string> {
    await writeFile(file(), content);
    return read(archive).then(
      () => 'was read',
      (error: unknown) => (error as Error).message,
    );
  }

  for (const [name, archive] of Object.entries(ARCHIVES)) {
    describe(`in ${name}`, () => {
      it('gives every point back exactly: series, nanosecond, value and identity', () =>
        fc.assert(
          fc.asyncProperty(fc.array(storedPoint, { maxLength: 20 }), async (points) => {
            await write(archive, [points.slice(0, 7), points.slice(7)]);
            expect(await read(archive)).to.deep.equal(points);
          }),
          { numRuns: name === 'Parquet' ? 20 : 200 },
        ));

      it('gives more points than are in memory at once in their order', async () => {
        const series = seriesOf('Many', 'points');
        const many = Array.from({ length: 25_000 }, (_, index): Point => {
          const identity = { ...identityOfId(String(index), 0n), placed: true } as const;
          return { series, time: BigInt(index), value: index, identity };
        });
        await write(archive, [many.slice(0, 9_999), many.slice(9_999)]);
        expect(await read(archive)).to.deep.equal(many);
      });

      it('is not taken for whole when it was cut off within a row', async () => {
        await write(archive, [FOUR]);
        const whole = await readFile(file());
        for (let length = 1; length < whole.length; length++) {
          if (whole[length - 1] === 0x0a && !name.endsWith('gzip') && name !== 'Parquet') continue;
          if (name === 'NDJSON' && whole[length] === 0x0a) continue;
          expect(await refusal(archive, whole.subarray(0, length)), `after ${length} bytes`).not.to.equal('was read');
          if (name === 'Parquet' && length > 12) length += 97;
        }
      });
    });
  }

  it('in NDJSON is what clients send, and one event a line', async () => {
    await write(textArchive(ndjson, { gzip: false }), [FOUR]);
    expect((await readFile(file(), 'utf8')).split('\n').slice(0, 2)).to.deep.equal([
      '{"namespace":"Server-1","name":"cpu","timestamp":"2020-11-12T11:10:00.123456789Z","value":0.1}',
      '{"namespace":"Server-1","name":"cpu","timestamp":"2020-11-12T11:10:00.123456790Z","value":-1e+100,"tags":{"host":"a"},"identity":"sample"}',
    ]);
  });

  it('in CSV has a header, and tags as JSON', async () => {
    await write(textArchive(csv, { gzip: false }), [FOUR]);
    expect((await readFile(file(), 'utf8')).split('\r\n')).to.deep.equal([
      'namespace,name,timestamp,value,tags,identity',
      'Server-1,cpu,2020-11-12T11:10:00.123456789Z,0.1,,',
      'Server-1,cpu,2020-11-12T11:10:00.123456790Z,-1e+100,"{""host"":""a""}",sample',
      '"a, ""b""\\",c=d #,1969-12-31T23:59:59.999999999Z,3,,1',
      '"a, ""b""\\",c=d #,1969-12-31T23:59:59.999999999Z,3,,-1',
      '',
    ]);
  });

  it('in line protocol is what InfluxDB takes', async () => {
    await write(textArchive(lineProtocol, { gzip: true }), [FOUR]);
    expect(
      gunzipSync(await readFile(file()))
        .toString()
        .split('\n'),
    ).to.deep.equal([
      'Server-1,name=cpu value=0.1 1605179400123456789',
      'Server-1,host=a,name=cpu value=-1e+100,sample=true 1605179400123456790',
      'a\\,\\ "b"%5C,name=c\\=d\\ # value=3,id=1i -1',
      'a\\,\\ "b"%5C,name=c\\=d\\ # value=3,id=-1i -1',
      '',
    ]);
  });

  it('takes events as clients send them, ids and UNIX seconds included', async () => {
    const identity = identityOfId('x', 1_500_000_000n);
    const expected = [{ series: seriesOf('a', 'b', { c: 'd' }), time: 1_500_000_000n, value: 2, identity }];
    await writeFile(
      file(),
      '\ufeff{"name":"b","namespace":"a","timestamp":1.5,"value":2,"tags":{"c":"d"},"id":"x"}\n\n',
    );
    expect(await read(textArchive(ndjson, { gzip: false }))).to.deep.equal(expected);
    await writeFile(file(), '\ufeffid,value,timestamp,name,tags,namespace\nx,2,1.5,b,"{""c"":""d""}",a\n');
    expect(await read(textArchive(csv, { gzip: false }))).to.deep.equal(expected);
  });

  it('in Parquet is also read where others wrote it: the time with a zone, or called "time" as we once did', async () => {
    const archive = parquetArchive({ compression: 'zstd' });
    const instance = await DuckDBInstance.create();
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'Asia/Kolkata'");
    for (const column of ['timestamp', 'time']) {
      await connection.run(`COPY (
        SELECT 'a' AS namespace, 'b' AS name, TIMESTAMPTZ '2020-11-12T11:10:00Z' AS ${column}, 2 AS value
      ) TO '${file()}' (FORMAT parquet)`);
      expect(await read(archive)).to.deep.equal([
        { series: seriesOf('a', 'b'), time: 1_605_179_400_000_000_000n, value: 2, identity: { kind: 'none' } },
      ]);
    }
    connection.disconnectSync();
    instance.closeSync();
  });

  it('with a bad row is refused by a sentence that names the line and what is wrong', async () => {
    const good = '{"namespace":"a","name":"b","timestamp":1,"value":1}\n';
    const bad: [Archive | undefined, string, string][] = [
      [ARCHIVES.NDJSON, `${good}\n{"namespace":"a"}\n`, 'line 3: name is required'],
      [ARCHIVES.NDJSON, `${good}{"namespace":"a","name":"b","value":1}\n`, 'line 2: timestamp is required'],
      [ARCHIVES.NDJSON, `${good}nonsense\n`, 'line 2: is not JSON; each line must hold one event'],
      [ARCHIVES.NDJSON, good.replace('}', ',"identity":"0"}'), 'line 1: identity must be "sample", or a fingerprint'],
      [ARCHIVES.CSV, 'namespace,name,timestamp\na,b,1\n', 'line 1: the first line must name the columns'],
      [ARCHIVES.CSV, '', 'is empty, and lacks the line that names the columns'],
      [ARCHIVES.CSV, 'namespace,name,timestamp,value\na,b,1,\n', 'line 2: value must be a finite number'],
      [ARCHIVES.CSV, 'namespace,name,timestamp,value\na,b,yesterday,1\n', 'line 2: timestamp must be an RFC 3339'],
      [ARCHIVES.CSV, 'namespace,name,timestamp,value\na,b,1\n', 'line 2: has 3 fields, and the header 4'],
      [ARCHIVES.CSV, 'namespace,name,timestamp,value\na,"b"c,1,2\n', 'line 2: has a quote without its other one'],
      [ARCHIVES['line protocol'], '# a comment\ncpu,host=a usage=1 1\n', 'line 2: is no point of ours'],
      [ARCHIVES['line protocol'], 'cpu,host=a value=1 1\n', 'line 1: lacks the tag "name"'],
      [ARCHIVES['line protocol'], 'a,name=b value=1 9223372036854775807\n', 'line 1: the time must lie in the days'],
      [ARCHIVES.Parquet, good, 'is cut off, damaged or no Parquet file'],
    ];
    for (const [archive, content, sentence] of bad) {
      expect(archive && (await refusal(archive, content))).to.include(sentence);
    }
    expect(
      await refusal(
        textArchive(ndjson, { gzip: false }),
        Buffer.concat([Buffer.from(good), Buffer.from([0x7b, 0xff, 0x0a])]),
      ),
    ).to.equal('line 2: is not UTF-8');
  });
});

async function* inTurn<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  for (const item of items) yield await Promise.resolve(item);
}
