import { expect } from 'chai';
import { METRICS } from '../../lib/metrics.js';
import { Metrics } from '../../lib/prometheus/metrics.js';
import { openApiDocument } from '../../lib/http/openapi/document.js';
import { type Front, openFront, post } from '../http/front.js';

const EVENT = { namespace: 'Server-1', name: 'cpu', timestamp: 0, value: 42 };

/** The values by name and labels. */
async function valuesIn(front: Front): Promise<Map<string, number>> {
  const text = await (await fetch(`${front.url}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

describe('/metrics', () => {
  let front: Front;
  let metrics: Metrics;
  beforeEach(async () => {
    metrics = new Metrics();
    front = await openFront({ meter: metrics });
  });
  afterEach(() => front.close());

  it('are those that are described, and no others, once all that gives them is there', async () => {
    const names = Object.keys(METRICS) as (keyof typeof METRICS)[];
    const ours = names.filter((name) => !/http|write/.test(name));
    metrics.collect(Object.fromEntries(ours.map((name) => [name, () => 1])));
    const response = await fetch(`${front.url}/metrics`);
    expect(response.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8');
    const declared = [...(await response.text()).matchAll(/^# TYPE (\w+) (\w+)$/gm)];
    const found = declared.filter(([, name = '']) => !/^(?:process|nodejs)_/.test(name));
    expect(found.map(([, name, type]) => [name, type])).to.have.deep.members(
      names.map((name) => [name, METRICS[name].type]),
    );
    expect(found.length).to.be.lessThan(declared.length);
    const described = openApiDocument.paths['/metrics']?.get?.description ?? '';
    expect([...described.matchAll(/`(tracking_\w+)`/g)].map(([, name]) => name)).to.deep.equal(names);
  });

  it('count requests by route, method and status, and refusals by code', async () => {
    await front.track([EVENT]);
    await front.track([EVENT]);
    await front.fetch('/api/track/', post('['));
    await front.fetch('/api/events/Server-1/cpu');
    await front.fetch('/api/events/Other/memory');
    await front.fetch('/nowhere', { method: 'DELETE' });
    await front.fetch('/o/nothing');
    const values = await valuesIn(front);
    const countOf = (route: string, method: string, status: number): number | undefined =>
      values.get(
        `tracking_http_request_duration_seconds_count{route="${route}",method="${method}",status="${status}"}`,
      );
    expect(countOf('/api/track', 'POST', 201)).to.equal(2);
    expect(countOf('/api/track', 'POST', 400)).to.equal(1);
    expect(countOf('/api/events/:namespace/:name', 'GET', 200)).to.equal(2);
    expect(countOf('other', 'DELETE', 404)).to.equal(1);
    expect(countOf('/o', 'GET', 404)).to.equal(1);
    expect(values.get('tracking_http_refusals_total{code="invalid"}')).to.equal(1);
    expect(values.get('tracking_http_refusals_total{code="not-found"}')).to.equal(2);
    const track = 'route="/api/track",method="POST",status="201"';
    expect(values.get(`tracking_http_request_duration_seconds_bucket{le="+Inf",${track}}`)).to.equal(2);
    expect(values.get(`tracking_http_request_duration_seconds_sum{${track}}`)).to.be.above(0);
  });

  it('count writes, their events, and those that fail', async () => {
    const write = metrics.measured((points) =>
      points.length > 1 ? Promise.resolve([]) : Promise.reject(new Error('The disk is gone.')),
    );
    await front.track([EVENT, EVENT]);
    await write(front.points);
    await write([]).catch(() => undefined);
    await metrics.countingFailures(Promise.reject(new Error('A delivery failed.'))).catch(() => undefined);
    const values = await valuesIn(front);
    expect(values.get('tracking_write_duration_seconds_count')).to.equal(2);
    expect(values.get('tracking_write_events_sum')).to.equal(2);
    expect(values.get('tracking_write_failures_total')).to.equal(2);
  });

  it('keep the last known value where there is none to be had now, and leave out what was never known', async () => {
    let away = false;
    metrics.collect({
      tracking_queue_lag_seconds: () => Promise.reject(new Error('The queue is away.')),
      tracking_queue_events: () => (away ? Promise.reject(new Error('The queue is away.')) : Promise.resolve(5)),
      tracking_dead_letters: () => Promise.resolve(7),
    });
    for (away of [false, true, true]) {
      const values = await valuesIn(front);
      expect(values.has('tracking_queue_lag_seconds')).to.equal(false);
      expect(values.get('tracking_queue_events')).to.equal(5);
      expect(values.get('tracking_dead_letters')).to.equal(7);
    }
  });
});
