import { expect } from 'chai';
import { TrackingError } from '../../../lib/errors.js';
import { isTrackedEvent } from '../../../lib/event-rules.js';
import { readQuestion } from '../../../lib/http/aggregation-query.js';
import type { Parameter } from '../../../lib/http/openapi/types.js';
import { type Front, openFront, post, problemIn } from '../front.js';
import { Described, valuesOf } from './described.js';

describe('/openapi.json, of what is sent,', () => {
  let front: Front;
  let described: Described;
  let parameters: readonly Parameter[];
  before(async () => {
    front = await openFront();
    described = await Described.by(front);
    parameters = described.operation('askForAggregates').parameters ?? [];
  });
  after(() => front.close());

  it('has every parameter that the service accepts, and no other', async () => {
    for (const [id, answer] of [
      ['askForAggregates', await front.fetch('/api/events/a/b?nonsense=1')],
      ['deleteEvents', await front.fetch('/api/events/a/b?nonsense=1', { method: 'DELETE' })],
      ['trackEvents', await front.fetch('/api/track/?nonsense=1', post([]))],
    ] as const) {
      const { errors = [] } = await problemIn(answer);
      const [, allowed = ''] = /allowed are (.*)$/.exec(errors[0]?.message ?? '') ?? [];
      const documented = (described.operation(id).parameters ?? []).filter((each) => each.in === 'query');
      expect(documented.map(({ name }) => name)).to.deep.equal(allowed.split(', '));
    }
  });

  it('has the defaults of the service', () => {
    const { query } = readQuestion('a', 'b', '');
    const { granularity, aggregations: aggregationType, weekStart, timezone, fill, limit } = query;
    const documented = parameters.flatMap(({ name, schema }) =>
      schema.default === undefined ? [] : [[name, schema.default] as const],
    );
    const defaults = { granularity, aggregationType, weekStart, timezone, fill, limit };
    expect(Object.fromEntries(documented)).to.deep.equal(defaults);
  });

  it('takes the values that the service takes, and no others', () => {
    const counts = Array.from({ length: 99 }, (_, count) => count);
    const candidates: Readonly<Record<string, readonly string[]>> = {
      granularity: ['hour', 'Hour', 'none', 'all', '1d', ...counts.flatMap((count) => [`${count}m`, `${count}h`])],
      aggregationType: ['avg', 'mean', 'stddev', 'p0', 'p1', 'p99.9', 'p99.99', 'p100', 'avg,max', 'avg,avg', ''],
      weekStart: ['monday', 'sunday', 'Monday', 'today'],
      fill: ['none', 'null', 'zero', 'previous', 'linear', 'next'],
      limit: ['1', '10000000', '10000001', '0', '1.5'],
      groupBy: ['host', 'name', 'time', '_x', 'x'.repeat(64), 'x'.repeat(65), 'ü 😀'],
      'tag.KEY': ['tag.host', 'tag.name', 'tag.', 'tag._x', 'tag.a.b'],
    };
    for (const { name, schema } of parameters) {
      for (const text of candidates[name] ?? []) {
        const documented = described.mistakesIn(valueIn(name, text), schema) === undefined;
        const query = name === 'tag.KEY' ? `${text}=x` : `${name}=${encodeURIComponent(text)}`;
        expect(documented, query).to.equal(isQuestion(query));
      }
    }
  });

  it('has example parameters that the service takes', async () => {
    for (const { name, in: place, examples } of parameters) {
      for (const value of place === 'query' ? valuesOf(examples) : []) {
        const members = name === 'tag.KEY' ? (value as Record<string, string>) : { [name]: [value].flat().join(',') };
        const query = String(new URLSearchParams(members));
        expect((await front.fetch(`/api/events/a/b?${query}`)).status, query).to.equal(200);
      }
    }
  });

  it('has example bodies that the service takes', async () => {
    const content = described.operation('trackEvents').requestBody?.content ?? {};
    for (const [type, { examples }] of Object.entries(content)) {
      for (const value of valuesOf(examples)) {
        const response = await front.fetch('/api/track', post(value, { 'content-type': type }));
        expect(response.status, type).to.equal(201);
      }
    }
  });

  it('describes the events that are accepted, and no others', () => {
    const event = { namespace: 'a', name: 'b', value: 1 };
    const texts = ['', '_a', '.', '..', '...', 'a\u0000', 'x'.repeat(128), '😀'.repeat(128), 'x'.repeat(129), 1];
    const candidates = [
      event,
      ...texts.flatMap((text) => [
        { ...event, namespace: text },
        { ...event, name: text },
        { ...event, timestamp: 0, id: text },
        { ...event, tags: { host: text } },
        { ...event, tags: { [text]: 'a' } },
      ]),
      ...[0, '1', null, true, []].map((value) => ({ ...event, value })),
      ...[0, -9e9, 1e10, 9_223_372_800, null, true].map((timestamp) => ({ ...event, timestamp })),
      { ...event, id: 'a' },
      { ...event, more: 1 },
      { ...event, tags: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, 'a'])) },
      { ...event, tags: { time: 'a' } },
      { namespace: 'a', name: 'b' },
      [],
      null,
    ];
    for (const candidate of candidates) {
      const documented = described.mistakesIn(candidate, { $ref: '#/components/schemas/Event' }) === undefined;
      expect(documented, JSON.stringify(candidate)).to.equal(isTrackedEvent(candidate));
    }
  });
});

/** What the text in an address stands for, as the parameter's style says. */
function valueIn(name: string, text: string): unknown {
  if (name === 'limit') return Number(text);
  if (name === 'aggregationType') return text.split(',');
  return name === 'tag.KEY' ? { [text]: 'x' } : text;
}

function isQuestion(query: string): boolean {
  try {
    readQuestion('a', 'b', query);
    return true;
  } catch (error) {
    if (error instanceof TrackingError) return false;
    throw error;
  }
}
