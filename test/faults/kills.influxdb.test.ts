import { bucketForSuite } from '../servers/influxdb.js';
import { influxDBSettings } from '../servers/service.js';
import { CYCLES, killUnderLoad } from './kills.js';

describe('kill -9 of the service on InfluxDB', function () {
  this.timeout(60_000 + CYCLES * 30_000);
  const bucket = bucketForSuite();

  it('loses nothing that was acknowledged, and doubles nothing', () => killUnderLoad(influxDBSettings(bucket())));
});
