import { expect } from 'chai';
import { CloudEvent, emitterFor, HTTP, httpTransport, Mode } from 'cloudevents';
import { parseTimestamp } from '../../lib/time.js';
import { type Front, openFront } from './front.js';
import { ORDER } from './samples.js';

describe('CloudEvents', () => {
  let front: Front;

  beforeEach(async () => {
    front = await openFront();
  });
  afterEach(() => front.close());

  const send = (body: unknown, type: string, headers: Record<string, string> = {}): Promise<Response> =>
    front.fetch('/api/track/', {
      method: 'POST',
      headers: { 'Content-Type': type, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });

  const stored = (): object[] =>
    front.points.map(({ series: { namespace, name, tags }, value, time }) => ({
      namespace,
      name,
      tags,
      value,
      time,
    }));

  it('are the same event in structured, batched and binary mode', async () => {
    const { data, ...attributes } = ORDER;
    const binary = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]));
    expect((await send(ORDER, 'application/cloudevents+json; charset=utf-8')).status).to.equal(201);
    expect((await send([ORDER], 'application/cloudevents-batch+json')).status).to.equal(201);
    expect((await send(data, 'application/json', binary)).status).to.equal(201);
    expect(await (await send(data, 'application/vnd.shop.order+json', binary)).json()).to.deep.equal({ accepted: 1 });
    expect(stored()).to.deep.equal([
      {
        namespace: '/shop/berlin',
        name: 'order.placed',
        tags: { subject: 'shoes', region: 'eu' },
        value: 42.5,
        time: parseTimestamp(ORDER.time),
      },
    ]);
  });

  it('are themselves by source and id', async () => {
    const events = [ORDER, { ...ORDER, id: 'o-2' }, { ...ORDER, source: '/shop/paris' }, ORDER];
    expect((await send(events, 'application/cloudevents-batch+json')).status).to.equal(201);
    expect(front.points).to.have.lengthOf(3);
  });

  it('count one where they hold no number, and their number where they are one', async () => {
    const events = [
      { ...ORDER, id: '1', data: 7 },
      { ...ORDER, id: '2', data: { other: 'x' } },
      { ...ORDER, id: '3', data: undefined },
      { ...ORDER, id: '4', data: undefined, data_base64: 'AAEC' },
    ];
    expect((await send(events, 'application/cloudevents-batch+json')).status).to.equal(201);
    expect(front.points.map(({ value }) => value)).to.have.members([7, 1, 1, 1]);
    const headers = { 'ce-specversion': '1.0', 'ce-id': '5', 'ce-source': 'a', 'ce-type': 'b', 'ce-time': ORDER.time };
    expect((await send('plainly no JSON', 'text/plain', headers)).status).to.equal(201);
    expect((await send('', '', { ...headers, 'ce-id': '6', 'ce-subject': 'Z%C3%BCrich' })).status).to.equal(201);
    expect(
      front.points.filter(({ series }) => series.namespace === 'a').map(({ series }) => series.tags),
    ).to.deep.equal([{}, { subject: 'Zürich' }]);
  });

  it('have tags of whatever extensions but those of tracing, alike in each mode', async () => {
    const extended = { ...ORDER, traceparent: '00-1-2-00', sampled: true, shard: 3, name: 'x' };
    expect((await send(extended, 'application/cloudevents+json')).status).to.equal(201);
    const message = HTTP.binary(new CloudEvent(extended));
    await send(message.body, 'application/json', message.headers as Record<string, string>);
    expect(front.points.map(({ series }) => series.tags)).to.deep.equal([
      { subject: 'shoes', region: 'eu', sampled: 'true', shard: '3', exported_name: 'x' },
    ]);
  });

  it('are refused by attribute, all or nothing', async () => {
    const bad = [
      ORDER,
      { ...ORDER, specversion: '0.3', id: '' },
      { ...ORDER, time: undefined },
      { ...ORDER, time: 'noon', data: { value: '42' } },
      { ...ORDER, region: { no: 'text' } },
      'no event',
    ];
    const response = await send(bad, 'application/cloudevents-batch+json');
    expect(response.status).to.equal(400);
    const { errors } = (await response.json()) as { errors: { index: number; path?: string; message: string }[] };
    expect(errors.map(({ index, path }) => [index, path])).to.deep.equal([
      [1, 'id'],
      [1, 'specversion'],
      [2, 'time'],
      [3, 'data.value'],
      [3, 'time'],
      [4, 'region'],
      [5, undefined],
    ]);
    for (const [body, type] of [
      ['{', 'application/cloudevents+json'],
      [ORDER, 'application/cloudevents-batch+json'],
      ['[[', 'application/cloudevents-batch+json'],
    ] as const) {
      expect((await send(body, type)).status).to.equal(400);
    }
    expect((await send('{', 'application/json', { 'ce-specversion': '1.0' })).status).to.equal(400);
    const unversioned = await send({ value: 1 }, 'application/json', {
      'ce-id': '1',
      'ce-source': 's',
      'ce-type': 't',
    });
    expect(await unversioned.text()).to.contain('specversion must be');
    expect(front.points).to.have.lengthOf(0);
  });

  it('become what the settings say', async () => {
    await front.close();
    front = await openFront({
      cloudEvents: { namespace: 'region', name: 'subject', value: 'order.total', tags: ['type', 'data.order.total'] },
    });
    expect((await send(ORDER, 'application/cloudevents+json')).status).to.equal(201);
    expect(stored()).to.deep.equal([
      {
        namespace: 'eu',
        name: 'shoes',
        tags: { type: 'order.placed', total: '99' },
        value: 99,
        time: parseTimestamp(ORDER.time),
      },
    ]);
    await front.close();
    const cloudEvents = { namespace: 'source', name: 'type', value: 'data.order.total', tags: [] };
    front = await openFront({ cloudEvents });
    await send({ ...ORDER, data: { order: { total: 98 }, value: 1 } }, 'application/cloudevents+json');
    expect(front.points.map(({ value }) => value)).to.deep.equal([98]);
  });

  it('are refused where what the settings name is not there', async () => {
    await front.close();
    front = await openFront({ cloudEvents: { namespace: 'region', name: 'subject', value: 'value', tags: [] } });
    const { subject: _, ...without } = ORDER;
    expect(await (await send(without, 'application/cloudevents+json')).text()).to.contain('subject must be a text');
  });

  it('come from the SDK in each of its modes', async () => {
    const events = Array.from(
      { length: 20 },
      (_, index) => new CloudEvent({ source: '/sdk', type: 'counted', data: { value: index }, id: `id-${index}` }),
    );
    const headers = { Authorization: 'Bearer all' };
    for (const mode of [Mode.BINARY, Mode.STRUCTURED]) {
      const emit = emitterFor(httpTransport(`${front.url}/api/track/`), { mode });
      // The second time each is sent again.
      for (const event of events) await emit(event, { headers });
    }
    expect(front.points).to.have.lengthOf(20);
    expect(front.points.map(({ value }) => value)).to.have.members(events.map((_, index) => index));
  });
});
