import { join } from 'node:path';
import { expect } from 'chai';
import { ndjson } from '../../lib/archives/ndjson.js';
import { textArchive } from '../../lib/archives/text.js';
import { bucketForSuite } from '../servers/influxdb.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { influxDBSettings, ServiceProcess } from '../servers/service.js';
import { linesOf, track, tracking } from './running.js';

describe('tracking copy', function () {
  this.timeout(180_000);
  const bucket = bucketForSuite();

  async function exported(settings: Record<string, string>): Promise<string[]> {
    const file = join(temporaryFolder('exported'), 'all.ndjson');
    await tracking(settings, 'export', file);
    return linesOf(textArchive(ndjson, { gzip: false }), file);
  }

  it('takes everything to InfluxDB and back, nanoseconds and identities included, and once more for nothing', async () => {
    const service = await ServiceProcess.start();
    const events = Array.from({ length: 200 }, (_, index) => ({
      namespace: `Server-${index % 3}`,
      name: 'a, "b" \\',
      timestamp: `2020-11-12T11:00:00.${String(index % 150).padStart(3, '0')}456789Z`,
      value: index / 7,
      tags: { host: `web ${index % 5}` },
      ...(index % 3 === 0 ? { id: `event ${index}` } : {}),
    }));
    // The last two are the same without an identity: two events all the same.
    await track(service, [...events, { ...events[1], value: 5 }, { ...events[1], value: 5 }]);
    const beside = { ...influxDBSettings(bucket()), STORE: 'duckdb', DATA_DIR: service.dataDirectory };
    const before = await exported(beside);
    for (let round = 0; round < 2; round++) {
      const { stderr } = await tracking(beside, 'copy', '--from', 'duckdb', '--to', 'influxdb');
      expect(stderr).to.match(/202 points of duckdb are in influxdb, each once\.\n$/);
    }
    await service.stop();

    const influx = await ServiceProcess.start(influxDBSettings(bucket()));
    const backAgain = {
      ...influxDBSettings(bucket()),
      DATA_DIR: influx.dataDirectory,
      DUCKDB_PATH: join(temporaryFolder('back'), 'events.duckdb'),
    };
    for (let round = 0; round < 2; round++) {
      await tracking(backAgain, 'copy', '--from', 'influxdb', '--to', 'duckdb');
    }
    const inInfluxDB = await exported(backAgain);
    await influx.stop();
    const after = await exported({ ...backAgain, STORE: 'duckdb' });
    expect(after).to.deep.equal(inInfluxDB);
    expect(after).to.have.length(202);
    expect(after.map(millisecondOf).sort()).to.deep.equal(before.map(millisecondOf).sort());
    expect(after.map(identityOf)).to.include.members(before.map(identityOf).filter((identity) => identity !== ''));
    // Only events of one series at one nanosecond had to make room for each other.
    const alone = before.filter((line) => before.filter((other) => placeOf(other) === placeOf(line)).length === 1);
    expect(alone).to.have.length(100);
    expect(after.map(pointOf)).to.include.members(alone.map(pointOf));
  });
});

// A line is: series, which may have spaces, nanoseconds, value, identity.
const LINE = /^(.*) (\d+)(\d{6}) (\S+) (\S*)$/;

function pointOf(line: string): string {
  return line.slice(0, line.lastIndexOf(' '));
}

function placeOf(line: string): string {
  return line.replace(LINE, '$1 $2$3');
}

function millisecondOf(line: string): string {
  return line.replace(LINE, '$1 $2 $4');
}

function identityOf(line: string): string {
  return line.replace(LINE, '$5');
}
