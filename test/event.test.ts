import { expect } from 'chai';
import fc from 'fast-check';
import { TrackingError } from '../lib/errors.js';
import { explainEvent, isTrackedEvent } from '../lib/event-rules.js';
import { type Reception, readEvents, seriesOf } from '../lib/event.js';

const reception: Reception = { receivedAt: 1_700_000_000_000_000_000n, identity: 'event' };
const good = { namespace: 'Server-1', name: 'cpu', timestamp: '2020-11-12T11:10:00', value: 42 };

function mistakesOf(events: readonly unknown[], how: Reception = reception): TrackingError {
  try {
    readEvents(events, how);
  } catch (error) {
    if (error instanceof TrackingError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

describe('an event', () => {
  it('becomes a point of its series', () => {
    const [point] = readEvents([{ ...good, tags: { region: 'eu', host: 'web-1' } }], reception);
    expect(point).to.deep.equal({
      series: seriesOf('Server-1', 'cpu', { host: 'web-1', region: 'eu' }),
      time: 1605179400_000000000n,
      value: 42,
      identity: { kind: 'none' },
    });
    expect(Object.keys(point?.series.tags ?? {})).to.deep.equal(['host', 'region']);
  });

  it('without a timestamp happened when it was received', () => {
    expect(readEvents([{ namespace: 'a', name: 'b', value: 1 }], reception)[0]?.time).to.equal(reception.receivedAt);
  });

  it('with an id has the same fingerprint whoever sends it, and another at another time', () => {
    const fingerprint = (event: unknown, how = reception): unknown => readEvents([event], how)[0]?.identity;
    const one = fingerprint({ ...good, id: 'x' });
    expect(one).to.deep.equal(fingerprint({ ...good, timestamp: 1605179400, id: 'x', value: 43 }));
    expect(one).not.to.deep.equal(fingerprint({ ...good, timestamp: 1605179401, id: 'x' }));
    expect(one).not.to.deep.equal(fingerprint({ ...good, id: 'y' }));
  });

  it('gets its id from the Idempotency-Key and its place in the request', () => {
    const keyed = readEvents([good, { ...good, id: 'own' }, good], { ...reception, idempotencyKey: 'k' });
    const named = readEvents(
      [
        { ...good, id: 'k#0' },
        { ...good, id: 'own' },
        { ...good, id: 'k#2' },
      ],
      reception,
    );
    expect(keyed).to.deep.equal(named);
  });

  it('needs a timestamp beside an id, an Idempotency-Key and identity=timestamp', () => {
    const { timestamp: _, ...timeless } = good;
    expect(mistakesOf([{ ...timeless, id: 'x' }]).mistakes[0]?.message).to.contain('needs a timestamp');
    expect(mistakesOf([timeless], { ...reception, idempotencyKey: 'k' }).mistakes[0]?.path).to.equal('timestamp');
    expect(mistakesOf([timeless], { ...reception, identity: 'sample' }).mistakes[0]?.path).to.equal('timestamp');
    expect(mistakesOf([{ ...good, id: 'x' }], { ...reception, identity: 'sample' }).mistakes[0]?.path).to.equal('id');
  });

  for (const name of [
    'a',
    'page view',
    'a,b',
    'a=b',
    '"quoted"',
    "'",
    'back\\slash\\',
    '🚀',
    'a/b',
    '#1',
    '%5C',
    'ü',
    '...',
    'a.',
    '𝕏'.repeat(128),
  ]) {
    it(`may be called ${name.slice(0, 20)}`, () => {
      const [point] = readEvents([{ ...good, namespace: name, name, tags: { key: name } }], reception);
      expect(point?.series).to.include({ namespace: name, name });
      expect(point?.series.tags).to.deep.equal({ key: name });
    });
  }

  const wrong: readonly (readonly [string, unknown, string | undefined])[] = [
    ['no object', 7, undefined],
    ['null', null, undefined],
    ['an array', [good], undefined],
    ['a name that is empty', { ...good, name: '' }, 'name'],
    ['a name of 129 characters', { ...good, name: 'x'.repeat(129) }, 'name'],
    ['a name with a control character', { ...good, name: 'a\nb' }, 'name'],
    ['a name with half a surrogate pair', { ...good, name: '\ud800' }, 'name'],
    ['a name that starts with _', { ...good, name: '_x' }, 'name'],
    ['the name .', { ...good, name: '.' }, 'name'],
    ['the namespace ..', { ...good, namespace: '..' }, 'namespace'],
    ['no namespace', { name: 'x', value: 1 }, 'namespace'],
    ['a value that is text', { ...good, value: '42' }, 'value'],
    ['a value that is null', { ...good, value: null }, 'value'],
    ['a value that is true', { ...good, value: true }, 'value'],
    ['an infinite value', { ...good, value: Infinity }, 'value'],
    ['a timestamp that is an object', { ...good, timestamp: {} }, 'timestamp'],
    ['a timestamp that is null', { ...good, timestamp: null }, 'timestamp'],
    ['a day that does not exist', { ...good, timestamp: '2021-02-30T00:00:00Z' }, 'timestamp'],
    ['tags that are a list', { ...good, tags: ['a'] }, 'tags'],
    ['17 tags', { ...good, tags: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`k${i}`, 'v'])) }, 'tags'],
    ['a tag called name', { ...good, tags: { name: 'x' } }, 'tags.name'],
    ['a tag called time', { ...good, tags: { time: 'x' } }, 'tags.time'],
    ['a tag that starts with _', { ...good, tags: { _x: 'x' } }, 'tags._x'],
    [
      'a tag called __proto__',
      JSON.parse('{"namespace":"a","name":"b","value":1,"tags":{"__proto__":"x"}}'),
      undefined,
    ],
    ['a tag value that is empty', { ...good, tags: { x: '' } }, 'tags.x'],
    ['a tag value that is a number', { ...good, tags: { x: 1 } }, 'tags.x'],
    ['an id that is a number', { ...good, id: 5 }, 'id'],
    ['a field nobody knows', { ...good, timestmap: 1 }, 'timestmap'],
  ];
  for (const [what, event, path] of wrong) {
    it(`is refused with ${what}, saying where`, () => {
      const { mistakes } = mistakesOf([good, event]);
      expect(mistakes[0]).to.include(path === undefined ? { index: 1 } : { index: 1, path });
      expect(mistakes[0]?.message)
        .to.be.a('string')
        .and.not.match(/fails to match|pattern|any\./);
    });
  }

  it('says every mistake of a request, the first 100 in full', () => {
    const error = mistakesOf(Array.from({ length: 150 }, () => ({ ...good, value: 'x' })));
    expect(error.mistakes).to.have.length(100);
    expect(error.mistakeCount).to.equal(150);
    expect(error.message).to.contain('150 of 150 event(s) are not right');
  });

  it('comes with at most 9,999 others', () => {
    const events = new Array(10_001).fill(good);
    expect(() => readEvents(events, reception)).to.throw('at most 10000 events');
    expect(readEvents(events.slice(1), reception)).to.have.length(10_000);
  });

  it('passes the guard exactly where the schema finds no mistake', () => {
    const scalar = fc.oneof(fc.string(), fc.double(), fc.boolean(), fc.constant(null), fc.integer());
    const text = fc.oneof(
      scalar,
      fc.string({ unit: 'binary', minLength: 0, maxLength: 3 }),
      fc.constantFrom('.', '..', '_a', 'a_', 'x'.repeat(128), 'x'.repeat(129), '𝕏'.repeat(128), '\ud800', '\u0085'),
    );
    const time = fc.oneof(scalar, fc.constantFrom('2020-11-12T11:10:00', 1605179400.5, 1e12, '2020-02-30T00:00:00Z'));
    const tags = fc.oneof(
      scalar,
      fc.dictionary(fc.oneof(fc.string({ maxLength: 65 }), fc.constant('name')), text, { maxKeys: 18 }),
      fc.array(text),
    );
    const event = fc.oneof(
      {
        weight: 9,
        arbitrary: fc.record(
          {
            namespace: text,
            name: text,
            timestamp: time,
            value: fc.oneof(scalar, fc.double()),
            tags,
            id: text,
            other: scalar,
          },
          { requiredKeys: ['namespace', 'name', 'value'] },
        ),
      },
      { weight: 1, arbitrary: fc.anything() },
    );
    fc.assert(
      fc.property(event, (candidate) => {
        expect(isTrackedEvent(candidate)).to.equal(explainEvent(candidate).length === 0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('a series', () => {
  it('is the same whatever the order of its tags, and only then', () => {
    const tags = fc.dictionary(fc.string({ minLength: 1, maxLength: 2 }), fc.string({ minLength: 1, maxLength: 2 }), {
      maxKeys: 4,
    });
    fc.assert(
      fc.property(tags, tags, (one, other) => {
        const reversed = Object.fromEntries(Object.entries(one).reverse());
        expect(seriesOf('a', 'b', one).key).to.equal(seriesOf('a', 'b', reversed).key);
        const equal = JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());
        if (
          Object.values({ ...one, ...other })
            .join('')
            .includes('\0')
        )
          return;
        expect(seriesOf('a', 'b', one).key === seriesOf('a', 'b', other).key).to.equal(equal);
      }),
    );
  });
});
