import { get } from 'node:http';
import { expect } from 'chai';
import type { WindowAggregate } from '../../lib/store.js';
import { ReferenceStore } from '../reference.js';
import { EndlessStore } from './endless-store.js';
import { type Front, openFront, problemIn } from './front.js';

function event(timestamp: string, value: number, tags: Record<string, string> = {}) {
  return { namespace: 'Server-1', name: 'cpu', timestamp, value, tags };
}

const EVENTS = [
  event('2020-11-12T11:10:00Z', 1, { host: 'web-1' }),
  event('2020-11-12T11:20:00Z', 3, { host: 'web-2', note: '=1+1, "sum"' }),
  event('2020-11-12T12:00:00.5Z', 5),
];

/** Something that is waited for and happens once. */
class Signal {
  give: () => void = () => undefined;
  readonly given = new Promise<void>((resolve) => (this.give = resolve));
}

describe('GET /api/events/{namespace}/{name}', () => {
  let front: Front;
  before(async () => {
    front = await openFront();
    await front.track(EVENTS);
  });
  after(() => front.close());

  async function ask(query: string, accept = 'application/json'): Promise<string> {
    const response = await front.fetch(`/api/events/Server-1/cpu${query}`, { headers: { accept } });
    const text = await response.text();
    if (response.status !== 200) throw new Error(text);
    return text;
  }

  const HOURS = [
    { aggregatedTimestamp: '2020-11-12T11:00:00Z', value: 2 },
    { aggregatedTimestamp: '2020-11-12T12:00:00Z', value: 5 },
  ];

  it('gives averages by the hour', async () => {
    const response = await front.fetch('/api/events/Server-1/cpu/');
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).to.equal('no-store');
    expect(response.headers.get('vary')).to.equal('Accept');
    expect(await response.json()).to.deep.equal(HOURS);
  });

  it('gives several aggregates as an object', async () => {
    const [window] = JSON.parse(await ask('?aggregationType=max,count,stddev&granularity=day')) as unknown[];
    expect(window).to.deep.equal({
      aggregatedTimestamp: '2020-11-12T00:00:00Z',
      value: { max: 5, count: 3, stddev: 2 },
    });
  });

  it('gives a list for each value of a tag, and one for events without it', async () => {
    expect(JSON.parse(await ask('?groupBy=host&aggregationType=sum'))).to.deep.equal([
      { tags: {}, windows: [{ aggregatedTimestamp: '2020-11-12T12:00:00Z', value: 5 }] },
      { tags: { host: 'web-1' }, windows: [{ aggregatedTimestamp: '2020-11-12T11:00:00Z', value: 1 }] },
      { tags: { host: 'web-2' }, windows: [{ aggregatedTimestamp: '2020-11-12T11:00:00Z', value: 3 }] },
    ]);
  });

  it('gives the events themselves, with their tags', async () => {
    expect(JSON.parse(await ask('?granularity=none'))).to.deep.equal([
      { aggregatedTimestamp: '2020-11-12T11:10:00Z', value: 1, tags: { host: 'web-1' } },
      { aggregatedTimestamp: '2020-11-12T11:20:00Z', value: 3, tags: { host: 'web-2', note: '=1+1, "sum"' } },
      { aggregatedTimestamp: '2020-11-12T12:00:00.500Z', value: 5 },
    ]);
  });

  it('selects by tag: any value of one key, all keys', async () => {
    const count = async (query: string): Promise<number> =>
      (JSON.parse(await ask(`?granularity=none${query}`)) as unknown[]).length;
    expect(await count('&tag.host=web-1')).to.equal(1);
    expect(await count('&tag.host=web-1&tag.host=web-2')).to.equal(2);
    expect(await count('&tag.host=web-1&tag.host=web-2&tag.note=%3D1%2B1,+%22sum%22')).to.equal(1);
    expect(await count('&tag.host=%00')).to.equal(0);
  });

  it('gives null for a stddev of one event, and for what no number can say', async () => {
    await front.track([
      { ...event('2020-11-12T11:00:00Z', 1.7e308), namespace: 'Huge' },
      { ...event('2020-11-12T11:00:00Z', 1.7e308), namespace: 'Huge' },
    ]);
    const response = await front.fetch('/api/events/Huge/cpu?aggregationType=sum');
    expect(await response.json()).to.deep.equal([{ aggregatedTimestamp: '2020-11-12T11:00:00Z', value: null }]);
  });

  it('gives an empty array for what is not there', async () => {
    for (const path of ['Nobody/cpu', 'Server-1/nothing', '%00/cpu', `${'x'.repeat(200)}/cpu`, '_x/_y']) {
      const response = await front.fetch(`/api/events/${path}`);
      expect(response.status, path).to.equal(200);
      expect(await response.text()).to.equal('[]');
    }
  });

  it('hides what is outside the application’s namespaces', async () => {
    await front.track([{ namespace: 'Frontend', name: 'view', timestamp: 0, value: 1 }]);
    const headers = { authorization: 'Bearer limited' };
    expect(await (await front.fetch('/api/events/Frontend/view', { headers })).json()).to.deep.equal([]);
    expect(await (await front.fetch('/api/events/Server-1/cpu', { headers })).json()).to.deep.equal(HOURS);
  });

  it('takes path segments as they were encoded', async () => {
    for (const name of ['a/b', '100%', '😀', 'back\\', '%2F', 'a b+c', 'é', '..x']) {
      await front.track([{ namespace: 'Odd', name, timestamp: 0, value: 7 }]);
      const response = await front.fetch(`/api/events/Odd/${encodeURIComponent(name)}?aggregationType=last`);
      expect(await response.json(), name).to.deep.equal([{ aggregatedTimestamp: '1970-01-01T00:00:00Z', value: 7 }]);
    }
  });

  it('refuses a path that is not percent-encoded UTF-8', async () => {
    for (const path of ['%', '%zz', '%ff', 'a%2']) {
      expect((await problemIn(await front.fetch(`/api/events/${path}/cpu`))).status, path).to.equal(400);
    }
  });

  describe('as CSV', () => {
    it('has a header and a line for each window', async () => {
      expect(await ask('', 'text/csv')).to.equal(
        'aggregatedTimestamp,value\r\n2020-11-12T11:00:00Z,2\r\n2020-11-12T12:00:00Z,5\r\n',
      );
    });

    it('has a column for each aggregate, nothing for null, and the group in front', async () => {
      expect(await ask('?groupBy=host&aggregationType=max,stddev', 'text/csv')).to.equal(
        'tag.host,aggregatedTimestamp,max,stddev\r\n' +
          ',2020-11-12T12:00:00Z,5,\r\nweb-1,2020-11-12T11:00:00Z,1,\r\nweb-2,2020-11-12T11:00:00Z,3,\r\n',
      );
    });

    it('has a column for each tag of events, and disarms formulas', async () => {
      expect(await ask('?granularity=none', 'text/csv')).to.equal(
        'aggregatedTimestamp,value,tag.host,tag.note\r\n2020-11-12T11:10:00Z,1,web-1,\r\n' +
          '2020-11-12T11:20:00Z,3,web-2,"\'=1+1, ""sum"""\r\n2020-11-12T12:00:00.500Z,5,,\r\n',
      );
    });

    it('has only the header where there is nothing', async () => {
      expect(await ask('?tsMax=0', 'text/csv')).to.equal('aggregatedTimestamp,value\r\n');
    });
  });

  it('gives NDJSON, the tags of a group in each line', async () => {
    expect(await ask('?groupBy=host&tag.host=web-1', 'application/x-ndjson')).to.equal(
      '{"tags":{"host":"web-1"},"aggregatedTimestamp":"2020-11-12T11:00:00Z","value":1}\n',
    );
  });

  it('gives what Accept likes best, and says what there is where it likes nothing', async () => {
    const types = {
      '*/*': 'application/json; charset=utf-8',
      'text/*': 'text/csv; charset=utf-8; header=present',
      'application/json;q=0.1, text/csv;q=0.2': 'text/csv; charset=utf-8; header=present',
      'text/html, application/x-ndjson, */*;q=0.1': 'application/x-ndjson; charset=utf-8',
    };
    for (const [accept, type] of Object.entries(types)) {
      const response = await front.fetch('/api/events/Server-1/cpu', { headers: { accept } });
      expect(response.headers.get('content-type'), accept).to.equal(type);
      await response.text();
    }
    const refused = await front.fetch('/api/events/Server-1/cpu', { headers: { accept: 'text/html' } });
    expect(await problemIn(refused)).to.include({ status: 406 });
  });

  it('answers HEAD like GET, without a body', async () => {
    const response = await front.fetch('/api/events/Server-1/cpu?limit=1', { method: 'HEAD' });
    expect(response.status).to.equal(200);
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(response.headers.get('link')).to.match(/rel="next"$/);
    expect(await response.text()).to.equal('');
  });

  it('links to the next page until there is none, with relative times fixed', async () => {
    const base = `${front.url}/api/events/Server-1/cpu?granularity=none&limit=2&tsMin=-200y&tag.host=web-1&tag.host=web-2`;
    let address = base;
    const values: number[] = [];
    const addresses: string[] = [];
    for (;;) {
      const response = await front.fetch(address.slice(front.url.length));
      values.push(...((await response.json()) as { value: number }[]).map(({ value }) => value));
      const next = /^<(.*)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1];
      if (next === undefined) break;
      address = new URL(next, address).href;
      addresses.push(address);
    }
    expect(values).to.deep.equal([1, 3]);
    expect(addresses).to.be.empty;

    const first = await front.fetch('/api/events/Server-1/cpu?granularity=none&limit=2&tsMin=-200y&tsMax=now');
    const link = new URL(/<(.*)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '', base);
    expect(link.pathname).to.equal('/api/events/Server-1/cpu');
    expect(link.searchParams.get('limit')).to.equal('2');
    expect(link.searchParams.get('tsMin')).to.match(/^\d{4}-.*Z$/);
    expect(link.searchParams.get('tsMax')).to.match(/^\d{4}-.*Z$/);
    const second = await front.fetch(link.href.slice(front.url.length));
    expect(await second.json()).to.deep.equal([{ aggregatedTimestamp: '2020-11-12T12:00:00.500Z', value: 5 }]);
    expect(second.headers.get('link')).to.equal(null);
  });

  it('answers an error before the first row as a problem', async () => {
    const failing = await openFront({ store: new EndlessStore(0) });
    const response = await failing.fetch('/api/events/Server-1/cpu?granularity=none');
    const problem = await problemIn(response);
    expect(problem.status).to.equal(500);
    expect(JSON.stringify(problem)).not.to.match(/disk|\.js|\.ts/);
    await failing.close();
    expect(failing.logged.find(({ requestId }) => requestId === problem.requestId)?.stack).to.match(/The disk is gone/);
  });

  it('breaks the connection where the rows fail after the first, so that nobody takes a part for the whole', async () => {
    const failing = await openFront({ store: new EndlessStore(100_000) });
    const response = await failing.fetch('/api/events/Server-1/cpu?granularity=none&limit=10000000');
    expect(response.status).to.equal(200);
    let error: unknown;
    await response.text().catch((reason: unknown) => (error = reason));
    expect(error).to.be.instanceOf(Error);
    await failing.close();
    const errors = failing.logged.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).to.deep.equal(['The disk is gone.']);
  });

  it('ends a question while it works when its client hangs up', async () => {
    class WorkingStore extends ReferenceStore {
      readonly asked = new Signal();
      readonly ended = new Signal();
      override extent() {
        return Promise.resolve({ first: 0n, last: 1n });
      }
      override aggregate() {
        const iterator: AsyncIterableIterator<WindowAggregate> = {
          next: () => {
            this.asked.give();
            return this.ended.given.then(() => ({ done: true, value: undefined }));
          },
          return: () => {
            this.ended.give();
            return Promise.resolve({ done: true, value: undefined });
          },
          [Symbol.asyncIterator]: () => iterator,
        };
        return iterator as AsyncGenerator<WindowAggregate>;
      }
    }
    const store = new WorkingStore();
    const working = await openFront({ store });
    const client = get(`${working.url}/api/events/a/b`, { headers: { authorization: 'Bearer all' } });
    client.on('error', () => undefined);
    await store.asked.given;
    client.destroy();
    await store.ended.given;
    await working.close();
  });

  it('reads on only as fast as the client, and stops when it goes away', async () => {
    const store = new EndlessStore();
    const endless = await openFront({ store });
    const abort = new AbortController();
    const path = '/api/events/Server-1/cpu?granularity=none&limit=10000000';
    const response = await endless.fetch(path, { signal: abort.signal });
    await response.body?.getReader().read();
    let given = -1;
    while (given !== store.given) {
      given = store.given;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    abort.abort();
    await store.ended;
    await endless.close();
    expect(given).to.be.below(1_000_000);
    expect(endless.logged.filter(({ level }) => level === 'error')).to.be.empty;
  });

  it('lets the store go after HEAD, which asks for no rows', async () => {
    const store = new EndlessStore();
    const endless = await openFront({ store });
    await endless.fetch('/api/events/Server-1/cpu?granularity=none&limit=10000000', { method: 'HEAD' });
    await store.ended;
    await endless.close();
  });
});

describe('discovery', () => {
  let front: Front;
  before(async () => {
    front = await openFront();
    await front.track([...EVENTS, { namespace: 'Frontend', name: 'view', timestamp: 0, value: 1 }]);
  });
  after(() => front.close());

  it('lists namespaces, and the names of one with tag keys and times', async () => {
    expect(await (await front.fetch('/api/events/')).json()).to.deep.equal(['Frontend', 'Server-1']);
    expect(await (await front.fetch('/api/events/Server-1/')).json()).to.deep.equal([
      { name: 'cpu', tagKeys: ['host', 'note'], first: '2020-11-12T11:10:00Z', last: '2020-11-12T12:00:00.500Z' },
    ]);
    expect(await (await front.fetch('/api/events/Nobody')).json()).to.deep.equal([]);
  });

  it('shows an application only its own', async () => {
    const headers = { authorization: 'Bearer limited' };
    expect(await (await front.fetch('/api/events', { headers })).json()).to.deep.equal(['Server-1']);
    expect(await (await front.fetch('/api/events/Frontend', { headers })).json()).to.deep.equal([]);
  });

  it('takes no parameters', async () => {
    expect((await problemIn(await front.fetch('/api/events?limit=1'))).detail).to.match(/limit is no parameter/);
  });
});
