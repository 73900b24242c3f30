import { expect } from 'chai';
import fc from 'fast-check';
import { type Identity, type Point, seriesOf } from '../../lib/event.js';
import { decodeDeletion, decodePoints, encodeDeletion, encodePoints } from '../../lib/nats/messages.js';
import * as arbitrary from '../arbitraries.js';
import { CASES, point } from '../contract/subject.js';

describe('messages of the queue', () => {
  const identity: fc.Arbitrary<Identity> = fc.oneof(
    fc.constant<Identity>({ kind: 'none' }),
    fc.constant<Identity>({ kind: 'sample' }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((fingerprint): Identity => ({ kind: 'id', fingerprint })),
    fc
      .bigInt({ min: 1n, max: 2n ** 63n - 1n })
      .map((fingerprint): Identity => ({ kind: 'id', fingerprint, placed: true })),
  );
  const series = fc
    .tuple(arbitrary.text, arbitrary.text, fc.dictionary(arbitrary.tagKey, arbitrary.text, { maxKeys: 4 }))
    .map((parts) => seriesOf(...parts));
  const points: fc.Arbitrary<Point[]> = fc.array(
    fc.record({
      series,
      time: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
      value: arbitrary.value,
      identity,
    }),
  );

  it('carry every point as it was, whatever its names and its identity, in order and within their limits', () => {
    fc.assert(
      fc.property(points, fc.integer({ min: 1, max: 9 }), (given, maxEvents) => {
        const limits = { maxBytes: 8192, maxEvents };
        const messages = encodePoints(given, limits);
        expect(messages.flatMap(({ data }) => decodePoints(data))).to.deep.equal(given);
        for (const { data, events } of messages) {
          expect(data.length).to.be.at.most(limits.maxBytes);
          expect(events).to.equal(decodePoints(data).length).and.be.at.most(maxEvents);
        }
      }),
      { numRuns: CASES },
    );
  });

  it('refuse an event that is larger than a message', () => {
    const given = point({ namespace: 'n'.repeat(128) });
    expect(() => encodePoints([given], { maxBytes: 150, maxEvents: 10 })).to.throw(
      /does not fit into a message of 150 bytes/,
    );
  });

  it('carry a deletion as it was', () => {
    const order = {
      selection: { namespace: 'Größe "x"', name: '\\', tags: { host: ['a', 'b'] }, tsMin: -5n, tsMax: 2n ** 60n },
      answerTo: '_INBOX.1',
    };
    expect(decodeDeletion(encodeDeletion(order))).to.deep.equal(order);
    const whole = { selection: { namespace: 'n', name: 'm', tags: {} }, answerTo: 'x' };
    expect(decodeDeletion(encodeDeletion(whole))).to.deep.equal(whole);
  });
});
