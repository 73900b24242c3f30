import { expect } from 'chai';
import * as fc from 'fast-check';
import { type Point, seriesOf } from '../lib/event.js';
import { Ingest } from '../lib/ingest.js';
import type { Refusal } from '../lib/store.js';
import { failureOf } from './failure.js';

const options = { maxWaiting: 100, maxBatch: 10, timeout: 1000 };

function points(...values: number[]): Point[] {
  const series = seriesOf('a', 'b');
  return values.map((value) => ({ series, time: 0n, value, identity: { kind: 'none' } }));
}

/** A write that ends when the test says so. */
class Gate {
  readonly batches: number[][] = [];
  private ends: ((outcome: readonly Refusal[] | Error) => void)[] = [];

  readonly write = (batch: readonly Point[]): Promise<readonly Refusal[]> => {
    this.batches.push(batch.map(({ value }) => value));
    return new Promise((resolve, reject) => {
      this.ends.push((outcome) => {
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
    });
  };

  async end(outcome: readonly Refusal[] | Error = []): Promise<void> {
    while (this.ends.length === 0) await turn();
    this.ends.shift()?.(outcome);
    await turn();
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function thrown(): never {
  throw new Error('at once');
}

describe('accepted events', () => {
  it('that arrive during a write go out together as the next one, in order', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    const all = [ingest.accept(points(1)), ingest.accept(points(2))];
    await turn();
    await turn();
    all.push(ingest.accept(points(3, 4)), ingest.accept(points(5)));
    await gate.end();
    await gate.end();
    await Promise.all(all);
    expect(gate.batches).to.deep.equal([
      [1, 2],
      [3, 4, 5],
    ]);
  });

  it('are answered only when their write has ended', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    let answered = false;
    const accepted = ingest.accept(points(1)).then(() => (answered = true));
    await turn();
    await turn();
    expect(gate.batches).to.have.length(1);
    expect(answered).to.equal(false);
    await gate.end();
    await accepted;
  });

  it('of one request are never split, and a large request goes alone', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    const large = points(...Array.from({ length: 25 }, (_, index) => index));
    const all = [ingest.accept(points(1)), ingest.accept(large), ingest.accept(points(2))];
    for (let writes = 0; writes < 3; writes++) await gate.end();
    await Promise.all(all);
    expect(gate.batches.map(({ length }) => length)).to.deep.equal([1, 25, 1]);
  });

  it('that the database refuses are named to the caller whose they are, and to no other', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    const [first, second, third] = [
      ingest.accept(points(1)),
      failureOf(ingest.accept(points(2, 3, 4))),
      ingest.accept(points(5)),
    ];
    await gate.end([{ index: 2, reason: 'too old' }]);
    await Promise.all([first, third]);
    const error = await second;
    expect(error.code).to.equal('unprocessable');
    expect(error.mistakes).to.deep.equal([{ index: 1, message: 'too old' }]);
    expect(error.message).to.equal('The database refuses 1 of 3 event(s); the others are stored.');
  });

  it('fail together where the write fails, and later ones do not', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    const lost = [failureOf(ingest.accept(points(1))), failureOf(ingest.accept(points(2)))];
    await gate.end(new Error('disk on fire'));
    expect((await Promise.all(lost)).map(({ code }) => code)).to.deep.equal(['unavailable', 'unavailable']);
    const later = ingest.accept(points(3));
    await gate.end();
    await later;
  });

  it('are refused beyond the bound, and taken again afterwards', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    const many = ingest.accept(points(...new Array<number>(100).fill(0)), 'one');
    const error = await failureOf(ingest.accept(points(1), 'other'));
    expect(error).to.include({ code: 'unavailable', retryAfter: 1 });
    expect(await failureOf(ingest.accept(points(1), 'one'))).to.include({ code: 'too-many-requests', retryAfter: 1 });
    await gate.end();
    await many;
    const later = ingest.accept(points(2));
    await gate.end();
    await later;
    expect(ingest.backlog).to.equal(0);
  });

  it('get an answer in time from a store that gives none, and those still in line are not stored later', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, { ...options, timeout: 5 });
    const first = failureOf(ingest.accept(points(1)));
    await turn();
    await turn();
    const second = failureOf(ingest.accept(points(2)));
    expect((await first).message).to.contain('may be stored later');
    expect((await second).message).to.contain('Nothing of this request was stored');
    await gate.end();
    await ingest.close();
    expect(gate.batches).to.deep.equal([[1]]);
    expect(ingest.backlog).to.equal(0);
  });

  it('tells who waits too long for a pause between two writes that nothing was done', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, { ...options, timeout: 20 });
    const writing = failureOf(ingest.accept(points(1)));
    await turn();
    const error = await failureOf(ingest.exclusive(() => Promise.reject(new Error('It was done.'))));
    expect(error.message).to.equal('The store did not answer in time. Nothing was done.');
    await writing;
    await gate.end();
    await ingest.close();
  });

  it('are told at once that the service stops where they wait for a store that hangs', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    const underWay = failureOf(ingest.accept(points(1)));
    await turn();
    await turn();
    const inLine = failureOf(ingest.accept(points(2)));
    const between = failureOf(ingest.exclusive(() => Promise.resolve()));
    ingest.abandon();
    expect((await underWay).message).to.equal('The service is stopping. Its events may be stored later.');
    expect((await inLine).message).to.equal('The service is stopping. Nothing of this request was stored.');
    expect((await between).code).to.equal('unavailable');
    await gate.end();
    await ingest.close();
    expect(gate.batches).to.deep.equal([[1]]);
    expect(ingest.backlog).to.equal(0);
  });

  it('leave nothing behind of what was counted for them, whatever arrives and whatever the store does', async () => {
    const request = fc.record({
      size: fc.integer({ min: 0, max: 60 }),
      sender: fc.constantFrom('one', 'other'),
      outcome: fc.constantFrom('stored', 'refused', 'failed', 'late', 'thrown'),
      turns: fc.integer({ min: 0, max: 3 }),
      end: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 20 }), async (requests) => {
        let bytes = 0;
        let released = 0;
        const outcomes = requests.map(({ outcome }) => outcome);
        const ingest = new Ingest(
          async (batch) => {
            const outcome = outcomes.shift();
            await turn();
            if (outcome === 'failed') throw new Error('disk on fire');
            if (outcome === 'late') await new Promise((resolve) => setTimeout(resolve, 4));
            return outcome === 'refused' ? batch.map((_, index) => ({ index, reason: 'never' })) : [];
          },
          { ...options, timeout: 2, release: (count) => (released += count) },
        );
        const answers: Promise<unknown>[] = [];
        const answered = (answer: Promise<void>): unknown => answers.push(answer.catch(() => undefined));
        for (const { size, sender, outcome, turns, end } of requests) {
          bytes += size + 1;
          answered(ingest.accept(points(...new Array<number>(size).fill(0)), sender, size + 1));
          const work = outcome === 'thrown' ? thrown : () => Promise.resolve();
          if (end) answered(ingest.exclusive(work));
          for (let count = 0; count < turns; count++) await turn();
        }
        await Promise.all(answers);
        await ingest.close();
        expect(ingest.backlog).to.equal(0);
        expect(released).to.equal(bytes);
      }),
      { numRuns: 100 },
    );
  });

  it('are all written before it closes, and none is taken afterwards', async () => {
    const gate = new Gate();
    const ingest = new Ingest(gate.write, options);
    const accepted = ingest.accept(points(1));
    const closed = ingest.close();
    expect((await failureOf(ingest.accept(points(2)))).code).to.equal('unavailable');
    await gate.end();
    await Promise.all([accepted, closed]);
  });
});
