import { expect } from 'chai';
import type { Selection } from '../lib/aggregation.js';
import { TrackingError } from '../lib/errors.js';
import { ITSELF, type Point, seriesOf } from '../lib/event.js';
import { Expiry, type ExpiryOptions } from '../lib/expiry.js';
import { SECOND } from '../lib/time.js';
import { type Disk, ReferenceStore } from './reference.js';

const DAY = 86_400n * SECOND;

describe('expired events', () => {
  let disk: Disk;
  let store: ReferenceStore;
  let expiry: Expiry;
  const logged: string[] = [];
  let day: bigint;
  let kept: (namespace: string) => number | undefined;

  function open(parts: Partial<ExpiryOptions> = {}): Expiry {
    return new Expiry({
      store,
      delete: (selection) => store.delete(selection),
      rule: () => Promise.resolve(kept),
      pause: 3_600_000,
      logger: {
        info: (message: string, details: object) => logged.push(`${message} ${JSON.stringify(details)}`),
        warn: (message: string, details: object) => logged.push(`${message} ${JSON.stringify(details)}`),
      } as unknown as ExpiryOptions['logger'],
      clock: () => day * DAY,
      ...parts,
    });
  }

  beforeEach(async () => {
    disk = new Map();
    store = new ReferenceStore(disk);
    logged.length = 0;
    day = 100n;
    kept = (namespace) => (namespace.startsWith('Server') ? 10 * 86_400 : undefined);
    const points: Point[] = [];
    for (let time = 0n; time < 100n; time++) {
      for (const [namespace, name] of [
        ['Server-1', 'cpu'],
        ['Server-2', 'cpu'],
        ['Other', 'cpu'],
      ] as const) {
        points.push({ series: seriesOf(namespace, name), time: time * DAY, value: 1, identity: ITSELF });
      }
    }
    await store.write(points);
  });
  afterEach(() => expiry.close());

  function left(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { series } of disk.values()) counts[series.namespace] = (counts[series.namespace] ?? 0) + 1;
    return counts;
  }

  it('are deleted, those that are as old as they may be are not, and the log says how many', async () => {
    expiry = open();
    expiry.run();
    await expiry.settled();
    expect(left()).to.deep.equal({ 'Server-1': 10, 'Server-2': 10, Other: 100 });
    expect(expiry.deletedEvents).to.equal(180);
    expect(logged).to.deep.equal([
      'expired events deleted {"namespace":"Server-1","name":"cpu","before":"1970-04-01T00:00:00Z","deleted":90}',
      'expired events deleted {"namespace":"Server-2","name":"cpu","before":"1970-04-01T00:00:00Z","deleted":90}',
    ]);
  });

  it('are deleted as time goes on, without anybody asking', async () => {
    expiry = open({ pause: 1 });
    expiry.run();
    await expiry.settled();
    day = 105n;
    while (left()['Server-2'] !== 5) await new Promise(setImmediate);
    expect(left()).to.deep.equal({ 'Server-1': 5, 'Server-2': 5, Other: 100 });
  });

  it('are deleted in steps of time that overlap nowhere and leave nothing out, smaller ones where there are many', async () => {
    const selections: Selection[] = [];
    expiry = open({
      delete: (selection) => {
        selections.push(selection);
        return Promise.resolve(selections.length === 4 ? 200_000 : 1);
      },
      rule: () => Promise.resolve((namespace) => (namespace === 'Other' ? 10 * 86_400 : undefined)),
    });
    expiry.run();
    await expiry.settled();
    const lengths = selections.map(({ tsMin = 0n, tsMax = 0n }) => (tsMax - tsMin) / (3600n * SECOND));
    expect(lengths.slice(0, 7)).to.deep.equal([1n, 2n, 4n, 8n, 4n, 8n, 16n]);
    selections.forEach(({ tsMin }, index) => {
      expect(tsMin).to.equal(index === 0 ? 0n : selections[index - 1]?.tsMax);
    });
    expect(selections.at(-1)?.tsMax).to.equal(90n * DAY);
  });

  it('of other names are deleted although those of one cannot be', async () => {
    expiry = open({
      delete: (selection) =>
        selection.namespace === 'Server-1' ? Promise.reject(new Error('A defect.')) : store.delete(selection),
    });
    expiry.run();
    await expiry.settled();
    expect(left()).to.deep.equal({ 'Server-1': 100, 'Server-2': 10, Other: 100 });
    expect(logged[0]).to.contain('expired events could not be deleted').and.to.contain('A defect.');
  });

  it('wait for the next round where the store cannot delete now', async () => {
    let away = true;
    expiry = open({
      delete: (selection) =>
        away ? Promise.reject(new TrackingError('unavailable', 'It is away.')) : store.delete(selection),
    });
    expiry.run();
    await expiry.settled();
    expect(logged).to.deep.equal(['expired events could not be deleted {"reason":"It is away."}']);
    away = false;
    expiry.run();
    await expiry.settled();
    expect(left()).to.deep.equal({ 'Server-1': 10, 'Server-2': 10, Other: 100 });
  });

  it('are spared from the step on in which somebody says so', async () => {
    let steps = 0;
    expiry = open({
      delete: (selection) => {
        steps++;
        kept = () => undefined;
        expiry.run();
        return store.delete(selection);
      },
    });
    expiry.run();
    await expiry.settled();
    expect(steps).to.equal(1);
    expect(left()).to.deep.equal({ 'Server-1': 99, 'Server-2': 100, Other: 100 });
  });

  it('are left alone once it is closed', async () => {
    expiry = open({ pause: 1 });
    await expiry.close();
    expiry.run();
    await expiry.settled();
    expect(left()).to.deep.equal({ 'Server-1': 100, 'Server-2': 100, Other: 100 });
  });
});
