import { expectSyncs, TIMEOUT } from './syncs.js';

describe('InfluxDB', function () {
  this.timeout(TIMEOUT);

  it('has synced its log before each answer', () => expectSyncs('influxdb'));
});
