import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { flux } from '@influxdata/influxdb-client';
import { expect } from 'chai';
import fc from 'fast-check';
import { Gate } from '../../lib/influxdb/gate.js';
import { Reader } from '../../lib/influxdb/reader.js';
import { cellOf } from '../../lib/influxdb/rows.js';
import { failureOf } from '../failure.js';

const QUERY = flux`buckets()`;
const HEAD = '#datatype,string,long,double,string\r\n#group,false,false,false,true\r\n#default,_result,,,\r\n';

function row(number: number): string {
  return `,,0,${String(number)},${number % 7 === 3 ? '"a, ""b"""' : 'plain é'}\r\n`;
}

describe('Reading answers of InfluxDB', () => {
  let server: Server | undefined;
  let reader: Reader | undefined;
  let open = 0;

  /** A stand-in for InfluxDB that answers in the pieces it is told. */
  async function serve(answer: (response: ServerResponse) => void | Promise<void>): Promise<Reader> {
    server = createServer((request, response) => {
      open++;
      response.on('close', () => open--);
      request.resume().on('end', () => void answer(response));
    });
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    reader = new Reader({
      url: `http://127.0.0.1:${String(port)}`,
      token: 't',
      org: 'o',
      timeout: 300,
      gate: new Gate(2),
    });
    return reader;
  }

  async function wordsOf(work: Promise<unknown>): Promise<string> {
    const { code, message } = await failureOf(work);
    return `${code}: ${message}`;
  }

  async function all(from: Reader): Promise<number[]> {
    const values: number[] = [];
    for await (const read of from.rows(QUERY)) values.push(Number(cellOf(read, '_value')));
    return values;
  }

  afterEach(async () => {
    reader?.close();
    server?.closeAllConnections();
    await new Promise<unknown>((resolve) => server?.close(resolve));
  });

  it('loses no row, however the answer is cut up and however slowly it is read', async function () {
    this.timeout('1m');
    let rows = 0;
    let sizes: readonly number[] = [];
    const from = await serve(async (response) => {
      const text = Buffer.from(
        `${HEAD},result,table,_value,host\r\n${Array.from({ length: rows }, (_, number) => row(number)).join('')}\r\n`,
      );
      for (let at = 0, piece = 0; at < text.length; piece++) {
        const end = at + (sizes[piece % sizes.length] ?? text.length);
        response.write(text.subarray(at, end));
        at = end;
        if (piece % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
      response.end();
    });
    const piece = fc.oneof(fc.integer({ min: 200, max: 2000 }), fc.integer({ min: 20_000, max: 100_000 }));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 6000 }),
        fc.array(piece, { minLength: 1, maxLength: 5 }),
        async (count, cut) => {
          [rows, sizes] = [count, cut];
          let next = 0;
          for await (const batch of from.batches(QUERY)) {
            for (const read of batch) {
              expect([cellOf(read, '_value'), cellOf(read, 'host')]).to.deep.equal([
                String(next),
                next++ % 7 === 3 ? 'a, "b"' : 'plain é',
              ]);
            }
            await new Promise((resolve) => setImmediate(resolve));
          }
          expect(next).to.equal(count);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('ends the query when its reader leaves', async () => {
    const from = await serve((response) => {
      response.write(`${HEAD},result,table,_value,host\r\n${row(1)}${row(2)}`);
    });
    for await (const read of from.rows(QUERY)) {
      expect(cellOf(read, '_value')).to.equal('1');
      break;
    }
    while (open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });

  it('lets others ask while somebody reads slowly', async () => {
    const from = await serve((response) => {
      response.write(`${HEAD},result,table,_value,host\r\n${row(1)}`);
      if (open > 2) response.end();
    });
    const { signal } = new AbortController();
    const slow = [from.unhurried(QUERY, signal), from.unhurried(QUERY, signal)];
    for (const each of slow) await each.next();
    expect(await all(from)).to.deep.equal([1]);
    for (const each of slow) await each.return();
  });

  it('gives up on an answer that does not come, or stops coming, or breaks off', async () => {
    const kinds: ((response: ServerResponse) => void)[] = [
      () => undefined,
      (response) => response.write(`${HEAD},result,table,_value,host\r\n${row(1)}`),
      (response) => {
        response.write(`${HEAD},result,table,_value,host\r\n${row(1)}`);
        setTimeout(() => response.destroy(), 20);
      },
    ];
    let kind = 0;
    const from = await serve((response) => {
      kinds[kind++]?.(response);
    });
    expect(await wordsOf(all(from))).to.equal('unavailable: InfluxDB did not answer in time.');
    expect(await wordsOf(all(from))).to.equal('unavailable: InfluxDB did not answer in time.');
    expect(await wordsOf(all(from))).to.match(/^unavailable: InfluxDB broke off the connection/);
  });

  it('says in words of our own what InfluxDB answers in its', async () => {
    const answers = [
      { status: 400, body: '{"code":"invalid","message":"compilation failed: error @1:1: from(bucket:)"}' },
      {
        status: 404,
        body: '{"code":"not found","message":"failed to initialize execute state: could not find bucket \\"b\\""}',
      },
      { status: 503, body: 'query queue is full' },
      {
        status: 200,
        body: '#datatype,string,string\r\n#group,true,true\r\n#default,,\r\n,error,reference\r\n,secret words,897\r\n',
      },
    ];
    const from = await serve((response) => {
      const answer = answers.shift();
      response.writeHead(answer?.status ?? 500, { 'content-type': 'application/json' });
      response.end(answer?.body);
    });
    expect(await wordsOf(all(from))).to.match(/^unprocessable: InfluxDB cannot answer this question/);
    expect(await wordsOf(all(from))).to.include('INFLUXDB_BUCKET');
    expect(await wordsOf(all(from))).to.match(/^unavailable: .*503/);
    expect(await wordsOf(all(from))).to.match(/^unprocessable: InfluxDB cannot answer this question/);
  });
});
