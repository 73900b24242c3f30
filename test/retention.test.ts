import { expect } from 'chai';
import { TrackingError } from '../lib/errors.js';
import { seriesOf } from '../lib/event.js';
import type { Registry, Retention } from '../lib/registry.js';
import { formatDuration, readDuration, retentionOf, Retentions } from '../lib/retention.js';
import type { Store } from '../lib/store.js';
import { now, SECOND } from '../lib/time.js';
import { failureOf } from './failure.js';
import { ReferenceStore } from './reference.js';

const HOUR = 3600;
const DAY = 24 * HOUR;

describe('a duration', () => {
  it('is a number of hours, days, weeks, months or years, none of which is shorter than in any calendar', () => {
    const read = ['1h', '12h', '90d', '8w', '18mo', '5y', '1000y'].map(readDuration);
    expect(read).to.deep.equal([HOUR, 12 * HOUR, 90 * DAY, 56 * DAY, 558 * DAY, 1830 * DAY, 366_000 * DAY]);
  });

  it('is nothing else, and the sentence says what would be right', () => {
    for (const text of ['', '0d', '90', 'd', '1.5d', '-1d', '90 d', '90D', '30m', '1001y', '9999999h', 'forever']) {
      expect(() => readDuration(text), text)
        .to.throw(TrackingError)
        .with.property('message')
        .that.matches(/^must be a number of hours, .*12h, 90d, 8w, 18mo, 5y; not "/);
    }
  });

  it('is shown in days, or in hours where it has no whole ones', () => {
    expect(['12h', '48h', '8w', '36h'].map((text) => formatDuration(readDuration(text)))).to.deep.equal([
      '12h',
      '2d',
      '56d',
      '36h',
    ]);
  });
});

describe('the retention of a namespace', () => {
  const retentions = [
    { namespaces: '*', seconds: 1 },
    { namespaces: 'Server-*', seconds: 2 },
    { namespaces: 'Server-1*', seconds: 3 },
    { namespaces: '*-12', seconds: 4 },
    { namespaces: 'S*-12', seconds: 5 },
    { namespaces: 'S-1', seconds: 6 },
  ];

  it('is that of the most specific pattern: itself, then the longest, then the one that keeps for longer', () => {
    const found = ['Frontend', 'Server-2', 'Server-12', 'X-12', 'Sx-12', 'S-1'].map((namespace) =>
      retentionOf(namespace, retentions, 9),
    );
    expect(found).to.deep.equal([1, 2, 3, 4, 5, 6]);
    const tied = [
      { namespaces: 'a*', seconds: 1 },
      { namespaces: '*b', seconds: 2 },
    ];
    expect([retentionOf('ab', tied, 9), retentionOf('ab', tied.reverse(), 9)]).to.deep.equal([2, 2]);
  });

  it('is that of the settings where no pattern stands for it, or for ever', () => {
    expect(retentionOf('x', retentions.slice(1), 9)).to.equal(9);
    expect(retentionOf('x', retentions.slice(1), undefined)).to.equal(undefined);
  });
});

describe('setting a retention', () => {
  let set: Retention[];
  let changes: number;

  function retentions(store: () => Promise<Store>): Retentions {
    const registry = {
      retentions: () => Promise.resolve(set),
      setRetention: (retention: Retention) => {
        set.push(retention);
        return Promise.resolve();
      },
    } as unknown as Registry;
    return new Retentions({ registry, setting: undefined, store, changed: () => changes++ });
  }

  async function filled(): Promise<Store> {
    const store = new ReferenceStore(new Map());
    const days = Array.from({ length: 10 }, (_, day) => day);
    const names = ['Server-1', 'Server-2', 'Server-12', 'Frontend'];
    const points = names.flatMap((namespace) =>
      ['cpu', 'memory'].flatMap((name) =>
        days.map((day) => ({
          series: seriesOf(namespace, name),
          time: now() - BigInt(day * DAY + HOUR) * SECOND,
          value: 1,
          identity: { kind: 'none' } as const,
        })),
      ),
    );
    await store.write(points);
    return store;
  }

  beforeEach(() => {
    set = [{ namespaces: 'Server-12', seconds: 5 * DAY }];
    changes = 0;
  });

  it('says how many events go, of how many namespaces, where no more specific pattern counts', async () => {
    const answer = await retentions(filled).set({ namespaces: 'Server-*', duration: '7d' });
    expect(answer).to.deep.equal({ namespaces: 'Server-*', seconds: 7 * DAY, older: { events: 12, namespaces: 2 } });
    expect(set.at(-1)).to.deep.equal({ namespaces: 'Server-*', seconds: 7 * DAY });
    expect(changes).to.equal(1);
  });

  it('changes nothing in a dry run', async () => {
    const { older } = await retentions(filled).set({ namespaces: '*', duration: '8d', dryRun: true });
    expect(older).to.deep.equal({ events: 12, namespaces: 3 });
    expect([set.length, changes]).to.deep.equal([1, 0]);
  });

  it('works where the store is away, and only a dry run says that it does not', async () => {
    const away = (): Promise<Store> => Promise.reject(new TrackingError('unavailable', 'InfluxDB cannot be reached.'));
    expect(await failureOf(retentions(away).set({ namespaces: '*', duration: '8d', dryRun: true }))).to.have.property(
      'message',
      'InfluxDB cannot be reached.',
    );
    const { older } = await retentions(away).set({ namespaces: '*', duration: '8d' });
    expect(older).to.deep.equal({ uncounted: 'InfluxDB cannot be reached.' });
    expect(set).to.have.length(2);
  });
});
