import { expect } from 'chai';
import fc from 'fast-check';
import type { LatestPoint } from '../../lib/store.js';
import { MILLISECOND, toMilliseconds } from '../../lib/time.js';
import { inNamespace, storeCase } from '../arbitraries.js';
import { ReferenceStore } from '../reference.js';
import {
  all,
  CASES,
  collect,
  freshNamespace,
  NOON,
  openForSuite,
  point,
  PROPERTY_TIMEOUT,
  type Subject,
  write,
} from './subject.js';

/** The last points of groups. */
export function latest(subject: Subject): void {
  describe('the latest points', () => {
    const opened = openForSuite(subject);

    it('are those of the judge, whatever is asked', async function () {
      this.timeout(PROPERTY_TIMEOUT);
      await fc.assert(
        fc.asyncProperty(storeCase, fc.constantFrom('host', 'region', 'id'), async ({ writes, question }, groupBy) => {
          const namespace = freshNamespace();
          const reference = new ReferenceStore();
          for (const written of inNamespace(namespace, writes)) {
            await write(opened().store, written);
            await reference.write(written);
          }
          const { name, tags, tsMin, tsMax } = question;
          const range = { ...(tsMin !== undefined && { tsMin }), ...(tsMax !== undefined && { tsMax }) };
          const selection = { namespace, name, tags, ...range };
          const [own, expected] = [
            await collect(opened().store.latest(selection, groupBy)),
            await collect(reference.latest(selection, groupBy)),
          ];
          expect(own.map(momentOf).sort()).to.deep.equal(expected.map(momentOf).sort());
          // Among those of one millisecond any will do.
          const events = await collect(reference.events({ selection }));
          for (const { group, time, value } of own) {
            const there = events.filter(
              ({ tags, time: at }) => tags[groupBy] === group && toMilliseconds(at) === toMilliseconds(time),
            );
            expect(there.map((event) => event.value)).to.include(value);
          }
        }),
        { numRuns: CASES },
      );
    });

    it('are found where they lie before the range of others, and after a restart', async () => {
      const namespace = freshNamespace();
      const day = 86_400_000n * MILLISECOND;
      const at = (host: string, time: bigint, value: number) =>
        point({ namespace, tags: { host }, time, value, sample: true });
      await write(opened().store, [at('a', NOON - 40n * day, 1), at('a', NOON, 2), at('b', NOON - 20n * day, 3)]);
      for (let time = 0; time < 2; time++) {
        const found = await collect(opened().store.latest({ ...all(namespace), tsMax: NOON }, 'host'));
        expect(found.sort((one, other) => (one.group < other.group ? -1 : 1))).to.deep.equal([
          { group: 'a', time: NOON - 40n * day, value: 1 },
          { group: 'b', time: NOON - 20n * day, value: 3 },
        ]);
        await opened().reopen();
      }
    });
  });
}

function momentOf({ group, time }: LatestPoint): string {
  return `${group} ${toMilliseconds(time)}`;
}
