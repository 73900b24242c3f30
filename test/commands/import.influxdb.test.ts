import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { influxDB } from '../servers/influxdb.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { influxDBSettings } from '../servers/service.js';
import { interrupted, progressIn, refusal } from './running.js';

describe('tracking import into InfluxDB', function () {
  this.timeout('20m'); // influxd may have to be built

  it('names what InfluxDB refuses, also what it refused before an interruption', async () => {
    const folder = temporaryFolder('refused');
    const bucket = await (await influxDB()).createBucket(7 * 86_400);
    const settings = { ...influxDBSettings(bucket), DATA_DIR: join(folder, 'data') };
    const file = join(folder, 'old.ndjson');
    const start = Math.floor(Date.now() / 1000) - 150_000;
    const lines = Array.from({ length: 300_000 }, (_, index) => {
      const timestamp = index === 4 ? '2001-01-01T00:00:00Z' : start + index;
      return `{"namespace":"a","name":"b","timestamp":${JSON.stringify(timestamp)},"value":1}\n`;
    });
    await writeFile(file, lines.join(''));
    await interrupted(settings, file);
    expect(progressIn(settings)).not.to.equal(undefined);
    const said = await refusal(settings, 'import', file);
    expect(said).to.match(/^Going on after row [1-9][\d,]*0,000/);
    expect(said).to.match(
      /The database refuses 1 of them; all others are stored:\n- row 5 \(a, b, 2001-01-01T00:00:00/,
    );
  });
});
