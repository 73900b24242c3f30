import { expect } from 'chai';
import { blamed, halved } from '../../lib/influxdb/blame.js';
import type { Answer } from '../../lib/influxdb/connection.js';

function answer(status: number, message: string): Answer {
  return { status, message, own: true, retryAfter: undefined };
}

const CONFLICT = 'failure writing points to database: partial write: field type conflict: …';
const OLD = 'failure writing points to database: partial write: points beyond retention policy';

describe('The lines to blame for a refusal', () => {
  const lines = ['a value=1 1', 'b value=1 2', 'c value=1 3'];
  const indexes = [0, 1, 2];

  it('are all where InfluxDB says that it dropped as many as there are', () => {
    const suffix = ' for database: 0f for retention policy: autogen';
    for (const message of [`${CONFLICT} dropped=3`, `${OLD} dropped=3`, `${OLD} dropped=3${suffix}`]) {
      expect(blamed(answer(422, message), lines, indexes)).to.deep.equal(indexes);
    }
  });

  it('are not known where it says that it dropped fewer, or nothing, or speaks of something else', () => {
    for (const dropped of ['', ' dropped=2', ' dropped=13', ' dropped=3 of them', ' dropped=-3']) {
      expect(blamed(answer(422, CONFLICT + dropped), lines, indexes)).to.deep.equal([]);
    }
    for (const status of [400, 413, 500]) {
      expect(blamed(answer(status, `${CONFLICT} dropped=3`), lines, indexes)).to.deep.equal([]);
    }
  });

  it('are those that it names, and one by itself in any case', () => {
    expect(blamed(answer(400, "unable to parse 'b value=1 2': bad"), lines, indexes)).to.deep.equal([1]);
    expect(blamed(answer(400, lines.map((line) => `'${line}'`).join()), lines, indexes)).to.deep.equal([]);
    for (const status of [400, 413, 422, 500]) expect(blamed(answer(status, ''), lines, [2])).to.deep.equal([2]);
  });

  it('are looked for in halves between two measurements where there are several, else by time', () => {
    const some = ['b,h=1 value=1 9', 'a\\,\\ x value=1 8', 'b,h=2 value=1 1', 'a\\,\\ x,h=1 value=1 7', 'b value=1 5'];
    expect(halved(some, [0, 1, 2, 3, 4])).to.deep.equal([
      [3, 1],
      [2, 4, 0],
    ]);
    expect(halved(some, [0, 2, 4])).to.deep.equal([[2, 4], [0]]);
    expect(halved(['a 1', 'a 1', 'b 1', 'b 1', 'b 1', 'b 1', 'b 1'], [0, 1, 2, 3, 4, 5, 6])[0]).to.deep.equal([0, 1]);
  });

  it('are looked for in an order that keeps lines of one series and time, the last of which counts', () => {
    const time = '1605179400000000001';
    const same = Array.from({ length: 9 }, (_, index) => `a value=${String(index)} ${time}`);
    const all = same.map((_, index) => index);
    expect(halved(same, all).flat()).to.deep.equal(all);
  });

  it('are found among those before 1970 too, and each half is smaller than the whole', () => {
    expect(halved(['a value=1 5', 'a value=1 -5'], [0, 1])).to.deep.equal([[1], [0]]);
    expect(halved(['a value=1 5', 'a value=1 5'], [0, 1])).to.deep.equal([[0], [1]]);
    expect(halved(['b value=1 5', 'a value=1 5'], [0, 1])).to.deep.equal([[1], [0]]);
  });
});
