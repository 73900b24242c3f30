import { expect } from 'chai';
import type { Point } from '../../lib/event.js';
import { InfluxDBStore } from '../../lib/influxdb/store.js';
import { MILLISECOND } from '../../lib/time.js';
import { aggregatesOf, all, freshNamespace, NOON, point, points, write } from '../contract/subject.js';
import { bucketForSuite, writeLines } from '../servers/influxdb.js';

describe('Points read out of InfluxDB', () => {
  const access = bucketForSuite();
  let store: InfluxDBStore;

  before(() => {
    store = new InfluxDBStore(access());
  });

  after(() => store.close());

  async function exported(includes: (namespace: string, name: string) => boolean): Promise<Point[]> {
    const found: Point[] = [];
    for await (const some of store.points({ includes })) found.push(...some);
    return found;
  }

  it('are asked for by hundreds of names', async () => {
    const namespace = freshNamespace();
    await write(
      store,
      points(700, (value) => ({ namespace, name: `name-${String(value)}`, value, tags: { host: String(value) } })),
    );
    const found = await exported((one, name) => one === namespace && name !== 'name-7');
    expect(found).to.have.length(699);
    const hosts = Array.from({ length: 700 }, (_, index) => String(index));
    const selection = { ...all(namespace, 'name-8'), tags: { host: hosts } };
    expect(await aggregatesOf(store, selection, 'sum')).to.deep.equal([8]);
  });

  it('have the ids that stand beside them, and nothing of what another program keeps there', async () => {
    const [namespace, foreign, texts] = [freshNamespace(), freshNamespace(), freshNamespace()];
    const lines = [
      `${texts},name=cpu value="a text" ${String(NOON)}`,
      `${foreign},host=a value=1 ${String(NOON)}`,
      `${foreign},name=cpu other=1 ${String(NOON)}`,
      // What is left of an event that was deleted in part.
      `${namespace},name=cpu id=7i ${String(NOON + 5n)}`,
    ];
    await writeLines(access(), lines.join('\n'));
    const sent = points(300, (value) => ({
      ...{ namespace, value, tags: value % 3 === 0 ? {} : { host: String(value % 3) } },
      time: NOON + BigInt(value >> 2) * MILLISECOND,
      ...(value % 2 === 0 ? {} : { id: String(value) }),
    }));
    await write(store, sent);
    const told = ({ series, value, identity }: Point): string =>
      JSON.stringify([series.key, value, identity.kind === 'id' ? String(identity.fingerprint) : '']);
    const found = await exported((one) => [namespace, foreign, texts].includes(one));
    expect(found.map(told).sort()).to.deep.equal(sent.map(told).sort());
  });

  it('go back to the nanoseconds that they came from', async () => {
    const [namespace, another] = [freshNamespace(), freshNamespace()];
    await write(
      store,
      points(200, (value) => ({ namespace, value, id: String(value), time: NOON + BigInt(value) })),
    );
    const found = await exported((one) => one === namespace);
    const moved = found.map((one) => ({ ...one, series: point({ namespace: another }).series }));
    for (let time = 0; time < 2; time++) await write(store, moved);
    const timesOf = (some: readonly Point[]): string[] => some.map(({ time }) => String(time)).sort();
    expect(timesOf(await exported((one) => one === another))).to.deep.equal(timesOf(found));
  });
});
