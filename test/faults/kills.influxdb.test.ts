import { killUnderLoad, TIMEOUT } from './kills.js';

describe('kill -9 of the service and of InfluxDB', function () {
  this.timeout(TIMEOUT);

  it('loses nothing that was acknowledged, and doubles nothing', () => killUnderLoad('influxdb'));
});
