import { expect } from 'chai';
import { type BucketAccess, influxDB, OwnInfluxDBServer } from './influxdb.js';

describe('An InfluxDB for tests', () => {
  function write({ url, org, bucket }: BucketAccess, token: string): Promise<Response> {
    const target = new URL(`/api/v2/write?${new URLSearchParams({ org, bucket }).toString()}`, url);
    return fetch(target, { method: 'POST', headers: { authorization: `Token ${token}` }, body: 'm value=1 1' });
  }

  it('gives each suite a bucket that only its own token can write', async function () {
    this.timeout('20m');
    const server = await influxDB();
    const [one, other] = [await server.createBucket(), await server.createBucket()];
    expect((await write(one, one.token)).status).to.equal(204);
    expect((await write(one, other.token)).status).to.be.oneOf([401, 403, 404]);
    await server.removeBucket(one);
    await server.removeBucket(other);
  });

  it('of our own can be killed, and comes back with what it held', async function () {
    this.timeout('1m');
    const server = await OwnInfluxDBServer.start();
    const access = await server.createBucket();
    expect((await write(access, access.token)).status).to.equal(204);
    await server.kill();
    expect(await write(access, access.token).catch(() => 'unreachable')).to.equal('unreachable');
    await server.restart();
    expect((await write(access, access.token)).status).to.equal(204);
    await server.stop();
  });
});
