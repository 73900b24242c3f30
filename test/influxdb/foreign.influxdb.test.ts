import { expect } from 'chai';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { MILLISECOND } from '../../lib/time.js';
import { aggregatesOf, all, points, write } from '../contract/subject.js';
import { bucketForSuite } from '../servers/influxdb.js';

const DAY = 86_400_000;

describe('A namespace where another program has written integers', () => {
  const access = bucketForSuite();

  it('keeps every event all the same, whoever writes it', async () => {
    const { url, org, bucket, token } = access();
    const yesterday = Math.floor(Date.now() / 1000) * 1000 - DAY;
    const response = await fetch(`${url}/api/v2/write?org=${org}&bucket=${bucket}&precision=ms`, {
      method: 'POST',
      headers: { Authorization: `Token ${token}` },
      body: `Mixed,name=foreign value=1i ${yesterday - 30 * DAY}`,
    });
    expect(response.status).to.equal(204);

    const time = BigInt(yesterday) * MILLISECOND;
    for (let writer = 0; writer < 3; writer++) {
      const store = new InfluxDBStore(access());
      await write(
        store,
        points(10, (index) => ({ namespace: 'Mixed', time, value: writer * 10 + index })),
      );
      const selection = { ...all('Mixed'), tsMin: time - MILLISECOND };
      expect(await aggregatesOf(store, selection, 'count')).to.deep.equal([(writer + 1) * 10]);
      await store.close();
    }
  });
});
