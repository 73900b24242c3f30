import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import { Bucket } from '../../lib/influxdb/bucket.js';
import { Connection } from '../../lib/influxdb/connection.js';
import { FieldTypes } from '../../lib/influxdb/field-types.js';
import { Gate } from '../../lib/influxdb/gate.js';
import { Reader } from '../../lib/influxdb/reader.js';

/** More than the longest answer that is kept as a whole. */
const NAMESPACES = 120_000;

describe('Which types values have, as InfluxDB tells it', () => {
  let server: Server | undefined;
  let close: (() => void) | undefined;

  /** A stand-in for InfluxDB: the real one takes long to fill with so much, and is never cut off just so. */
  async function asking(listener: RequestListener): Promise<FieldTypes> {
    server = createServer(listener);
    await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const access = { url, token: 't', org: 'o', bucket: 'b', timeout: 20_000 };
    const [connection, reader] = [new Connection(access), new Reader({ ...access, gate: new Gate(1) })];
    close = () => {
      connection.close();
      reader.close();
    };
    return new FieldTypes({ ...access, connection, reader, rules: new Bucket({ ...access, connection }) });
  }

  afterEach(async () => {
    close?.();
    await new Promise<unknown>((resolve) => server?.close(resolve));
  });

  function line(name: string, ...types: readonly string[]): string {
    const values = [['id', 'integer'], ...types.map((type) => ['value', type])];
    return `${JSON.stringify({ results: [{ series: [{ name, columns: ['fieldKey', 'fieldType'], values }] }] })}\n`;
  }

  it('is read whatever the number of namespaces', async () => {
    const types = await asking((_, response) => {
      for (let start = 0; start < NAMESPACES; start += 1000) {
        response.write(Array.from({ length: 1000 }, (_, index) => line(`Server-${start + index}`, 'float')).join(''));
      }
      response.end(line('Größe', 'float', 'integer'));
    });
    expect([...(await types.mixedMeasurements())]).to.deep.equal(['Größe']);
  });

  it('is not known where the answer is cut off', async () => {
    const types = await asking((_, response) => response.end(line('A', 'float').slice(0, -5)));
    const failure = await types.mixedMeasurements().catch((error: unknown) => error);
    expect(failure).to.be.instanceOf(TrackingError).with.property('code', 'unavailable');
  });
});
