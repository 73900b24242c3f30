import { expect } from 'chai';
import type { Point } from '../../lib/event.js';
import { NOON, point, points } from '../contract/subject.js';
import { awayAt, Database, recordingConsumer, until } from './consumers.js';
import { queuesForSuite } from './queues.js';

describe('dead letters', () => {
  const { open } = queuesForSuite();
  const odd = ({ value }: Point): string | undefined => (value % 2 === 1 ? 'it is odd' : undefined);

  it('are what the database refuses, with the reason; all others are stored', async () => {
    const queue = await open();
    const database = new Database();
    queue.feed(recordingConsumer(database, { refuse: odd }));
    await queue.publish(
      points(300, (value) => ({ namespace: 'n', name: 'cpu', value, tags: { host: 'a' }, time: NOON + 1n })),
    );
    await until(async () => (await queue.deadLetters.count()) === 150);
    await until(() => database.places.size === 150);
    const letters = (await queue.deadLetters.page(1000)).letters;
    expect(letters.map(({ event }) => event.value)).to.have.members(
      Array.from({ length: 150 }, (_, index) => 2 * index + 1),
    );
    const [letter] = letters;
    expect(letter?.reason).to.equal('it is odd');
    expect(letter?.event).to.deep.include({
      namespace: 'n',
      name: 'cpu',
      tags: { host: 'a' },
      timestamp: '2020-11-12T11:10:00.000000001Z',
    });
    expect(await queue.check()).to.match(/150 dead letter\(s\)/);
    expect(await queue.deadLetters.find(letter?.id ?? '')).to.deep.equal(letter);
  });

  it('are read page by page, the oldest first, up to those that there were at first', async () => {
    const queue = await open();
    queue.feed(recordingConsumer(new Database(), { refuse: odd }));
    expect(await queue.deadLetters.page(10)).to.deep.equal({ letters: [] });
    await queue.publish(points(50, (value) => ({ namespace: 'n', value })));
    await until(async () => (await queue.deadLetters.count()) === 25);
    const pages = [await queue.deadLetters.page(10)];
    await queue.publish(points(50, (value) => ({ namespace: 'n', value })));
    await until(async () => (await queue.deadLetters.count()) === 50);
    for (let next = pages[0]?.next; next !== undefined; next = pages.at(-1)?.next) {
      pages.push(await queue.deadLetters.page(10, next));
      // Those of a page may be gone before the next one is asked for.
      for (const { id } of pages.at(-1)?.letters ?? []) await queue.deadLetters.drop(id);
    }
    expect(pages.map(({ letters }) => letters.length)).to.deep.equal([10, 10, 5]);
    const all = pages.flatMap(({ letters }) => letters);
    expect(new Set(all.map(({ id }) => id)).size).to.equal(25);
    expect(all).to.deep.equal(all.toSorted((one, other) => (one.refusedAt < other.refusedAt ? -1 : 1)));
  });

  it('are the same ones when their delivery is repeated', async () => {
    const queue = await open();
    const database = new Database();
    const { fate, isBack } = awayAt('after the write', 2);
    queue.feed(recordingConsumer(database, { refuse: odd, fate }));
    await queue.publish(points(10, (value) => ({ namespace: 'n', value })));
    await until(async () => isBack() && (await queue.deadLetters.count()) >= 5);
    expect(await queue.deadLetters.count()).to.equal(5);
  });

  it('are queued once more and count once, however often that is tried', async () => {
    const queue = await open();
    const database = new Database();
    let refusing = true;
    const refuse = (given: Point): string | undefined => (refusing ? odd(given) : undefined);
    queue.feed(recordingConsumer(database, { refuse }));
    const given = [point({ namespace: 'n', value: 1 }), point({ namespace: 'n', value: 3, id: 'x' })];
    await queue.publish([...given, point({ namespace: 'n', value: 5, sample: true })]);
    await until(async () => (await queue.deadLetters.count()) === 3);
    refusing = false;
    const letters = (await queue.deadLetters.page(1000)).letters;
    const [first] = letters;
    if (first === undefined) throw new Error('no dead letter');
    // As if the first try had ended between its two halves, twice.
    await Promise.all([queue.deadLetters.retry(first.id), queue.deadLetters.retry(first.id)]);
    for (const { id } of letters.slice(1)) expect(await queue.deadLetters.retry(id)).to.equal(true);
    await until(() => database.places.size >= 3);
    expect(await queue.deadLetters.count()).to.equal(0);
    expect(database.sorted).to.deep.equal([1, 3, 5]);
    const kept = [...database.places.values()].map(({ identity }) => identity.kind);
    expect(kept).to.have.members(['id', 'id', 'sample']);
  });

  it('can be dropped, and those that are not there are no error', async () => {
    const queue = await open();
    queue.feed(recordingConsumer(new Database(), { refuse: odd }));
    await queue.publish([point({ namespace: 'n', value: 1 })]);
    await until(async () => (await queue.deadLetters.count()) === 1);
    const [letter] = (await queue.deadLetters.page(1000)).letters;
    expect(await queue.deadLetters.drop(letter?.id ?? '')).to.equal(true);
    expect((await queue.deadLetters.page(1000)).letters).to.deep.equal([]);
    for (const id of [letter?.id ?? '', 'nothing', '*', '>', 'a b', '']) {
      expect(await queue.deadLetters.find(id)).to.equal(undefined);
      expect(await queue.deadLetters.retry(id)).to.equal(false);
      expect(await queue.deadLetters.drop(id)).to.equal(false);
    }
  });
});
