import { expect } from 'chai';
import { TrackingError } from '../../lib/errors.js';
import { type Front, openFront, problemIn } from './front.js';

const CPU = '/api/events/Server-1/cpu';

function event(timestamp: number, host: string) {
  return { namespace: 'Server-1', name: 'cpu', timestamp, value: 1, tags: { host } };
}

describe('DELETE /api/events/{namespace}/{name}', () => {
  let front: Front;
  beforeEach(async () => {
    front = await openFront();
    await front.track([event(0, 'web-1'), event(10, 'web-1'), event(10, 'web-2'), event(20, 'web-3')]);
    await front.track([{ ...event(0, 'web-1'), name: 'memory' }]);
  });
  afterEach(() => front.close());

  async function remove(path: string, token = 'all'): Promise<Response> {
    return front.fetch(path, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
  }

  async function deleted(path: string): Promise<number> {
    const response = await remove(path);
    expect(response.status, path).to.equal(200);
    return ((await response.json()) as { deleted: number }).deleted;
  }

  it('deletes all events of the name where nothing is selected, and no others', async () => {
    expect(await deleted(CPU)).to.equal(4);
    expect(await deleted(`${CPU}/`)).to.equal(0);
    expect(front.points.map(({ series }) => series.name)).to.deep.equal(['memory']);
  });

  it('deletes from tsMin on and before tsMax, of any of the tag values', async () => {
    expect(await deleted(`${CPU}?tsMin=10&tsMax=20&tag.host=web-2&tag.host=web-3`)).to.equal(1);
    expect(await deleted(`${CPU}?tsMax=1970-01-01T00:00:10Z`)).to.equal(1);
    expect(await deleted(`${CPU}?tsMin=-1m`)).to.equal(0);
    expect(await (await front.fetch(`${CPU}?granularity=all&aggregationType=count`)).json()).to.deep.equal([
      { aggregatedTimestamp: '1970-01-01T00:00:10Z', value: 2 },
    ]);
  });

  it('refuses every other parameter by name, and what was meant to select and does not', async () => {
    for (const [query, path] of [
      ['tsMni=10', 'tsMni'],
      ['granularity=hour', 'granularity'],
      ['tsMin=&tsMax=', 'tsMin'],
      ['tsMin=20&tsMax=10', 'tsMin'],
      ['tsMin=1&tsMin=2', 'tsMin'],
      ['tag.name=x', 'tag.name'],
      ['tsMin=yesterday', 'tsMin'],
      ['tsMax=2020', 'tsMax'],
    ]) {
      const { status, errors } = await problemIn(await remove(`${CPU}?${query}`));
      expect(status, query).to.equal(400);
      expect(errors?.[0]?.path).to.equal(path);
    }
    expect(front.points).to.have.length(5);
  });

  it('finds nothing under what no event can be called', async () => {
    for (const path of ['/api/events/a/_b', '/api/events/%00/b', `${CPU}?tag.host=%00`, `${CPU}?tag.host=`]) {
      expect(await deleted(path)).to.equal(0);
    }
    expect(await deleted(`${CPU}?tag.host=%00&tag.host=web-1`)).to.equal(2);
  });

  it("is forbidden outside the application's namespaces, and without the scope", async () => {
    expect(await problemIn(await remove('/api/events/Frontend/cpu', 'limited'))).to.include({
      status: 403,
      detail: 'Nothing was deleted: the application may delete in Server-* alone, and "Frontend" is outside.',
    });
    expect((await remove(CPU, 'writer')).headers.get('www-authenticate')).to.contain('scope="delete"');
    expect(await (await remove(CPU, 'limited')).json()).to.deep.equal({ deleted: 4 });
  });

  it('says so where the store cannot', async () => {
    await front.close();
    front = await openFront({
      deleter: { delete: () => Promise.reject(new TrackingError('unavailable', 'The disk is full.')) },
    });
    const response = await remove(CPU);
    expect(response.headers.get('retry-after')).to.equal('5');
    expect(await problemIn(response)).to.include({ status: 503, detail: 'The disk is full.' });
  });
});
