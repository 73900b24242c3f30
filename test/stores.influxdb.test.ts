import { InfluxDBStore } from '../lib/influxdb/store.js';
import { type BucketAccess, influxDB } from './servers/influxdb.js';
import { storeContract } from './store.contract.js';

const buckets: BucketAccess[] = [];

after('remove the buckets', async () => {
  for (const bucket of buckets) await (await influxDB()).removeBucket(bucket);
});

storeContract({
  name: 'InfluxDB',
  create: async () => {
    const access = await (await influxDB()).createBucket();
    buckets.push(access);
    return () => Promise.resolve(new InfluxDBStore(access));
  },
});
