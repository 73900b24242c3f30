import { killWhileCounting, TIMEOUT } from './cumulative.js';

describe('kill -9 of the service and of InfluxDB while OpenTelemetry counts on and on', function () {
  this.timeout(TIMEOUT);

  it('leaves each increase as it was counted, resends and resets included', () => killWhileCounting('influxdb'));
});
