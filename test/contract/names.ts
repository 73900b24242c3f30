import { expect } from 'chai';
import fc from 'fast-check';
import type { Store } from '../../lib/store.js';
import { toMilliseconds } from '../../lib/time.js';
import { ODD_KEYS, ODD_PIECES, tagKey, text } from '../arbitraries.js';
import { ReferenceStore } from '../reference.js';
import {
  CASES,
  collect,
  NOON,
  oneWindow,
  openForSuite,
  point,
  type PointSketch,
  PROPERTY_TIMEOUT,
  type Subject,
  writeBoth,
} from './subject.js';

type Names = Required<Pick<PointSketch, 'namespace' | 'name' | 'tags'>>;

/** Names come back exactly as they went in, and no two become one. */
export function names(subject: Subject): void {
  describe('names', () => {
    const opened = openForSuite(subject);
    const reference = new ReferenceStore();

    const send = (sent: readonly Names[]): Promise<void> =>
      writeBoth(
        opened().store,
        reference,
        sent.map((odd) => point(odd)),
      );

    it('are faithful with every odd character alone, in front, inside and at the end', async function () {
      this.timeout('2m');
      const forms = ODD_PIECES.flatMap((piece) => [piece, `${piece}a`, `a${piece}b`, `a${piece}`]).filter(
        (form) => form !== '.' && form !== '..',
      );
      const sent = forms.map((form): Names => ({ namespace: form, name: form, tags: { [form]: form } }));
      await send(sent);
      for (const odd of sent) await expectFaithful(opened().store, reference, odd);
      expect(await opened().store.namespaces()).to.deep.equal(await reference.namespaces());
    });

    it('are faithful where they mean something to a database or to JavaScript', async () => {
      const namespace = 'Words';
      const sent = ODD_KEYS.map((key): Names => ({ namespace, name: key, tags: { [key]: key } }));
      await send([
        ...sent,
        { namespace, name: 'all', tags: Object.fromEntries(ODD_KEYS.slice(0, 16).map((k) => [k, k])) },
      ]);
      for (const odd of sent) await expectFaithful(opened().store, reference, odd);
      expect(await summariesOf(opened().store, namespace)).to.deep.equal(await summariesOf(reference, namespace));
    });

    it('are faithful, whatever they are', async function () {
      this.timeout(PROPERTY_TIMEOUT);
      const tags = fc.dictionary(tagKey, text, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
      const random = fc.record({ namespace: text, name: text, tags });
      await fc.assert(
        fc.asyncProperty(random, async (odd) => {
          await send([odd]);
          await expectFaithful(opened().store, reference, odd);
        }),
        { numRuns: CASES },
      );
      expect(await opened().store.namespaces()).to.deep.equal(await reference.namespaces());
    });

    it('may be as long as they may be', async () => {
      const long = '😀'.repeat(128);
      const tags = Object.fromEntries(
        Array.from({ length: 16 }, (_, index) => [`${'é'.repeat(62)}${String(index).padStart(2, '0')}`, long]),
      );
      await send([{ namespace: long, name: long, tags }]);
      await expectFaithful(opened().store, reference, { namespace: long, name: long, tags });
    });

    it('are the same after a restart', async () => {
      await opened().reopen();
      expect(await opened().store.namespaces()).to.deep.equal(await reference.namespaces());
    });
  });
}

/** Everything that a reader can ask about these names answers as the reference does. */
async function expectFaithful(store: Store, reference: Store, { namespace, name, tags }: Names): Promise<void> {
  expect(await summariesOf(store, namespace), 'summaries').to.deep.equal(await summariesOf(reference, namespace));
  const selection = {
    namespace,
    name,
    tags: Object.fromEntries(Object.entries(tags).map(([key, tag]) => [key, [tag, 'another']])),
  };
  const tagsOf = async (asked: Store): Promise<string[]> =>
    (await collect(asked.events({ selection }))).map((event) => JSON.stringify(sorted(event.tags))).sort();
  expect(await tagsOf(store), 'tags of events').to.deep.equal(await tagsOf(reference));
  for (const groupBy of Object.keys(tags)) {
    const windows = [oneWindow({ first: NOON, last: NOON })];
    const question = { selection: { ...selection, tags: {} }, windows, aggregations: ['count' as const], groupBy };
    expect(await collect(store.aggregate(question)), `grouped by ${groupBy}`).to.deep.equal(
      await collect(reference.aggregate(question)),
    );
  }
}

async function summariesOf(store: Store, namespace: string): Promise<unknown[]> {
  return (await store.names(namespace)).map(({ name, tagKeys, first, last }) => ({
    name,
    tagKeys: tagKeys.toSorted(),
    first: toMilliseconds(first),
    last: toMilliseconds(last),
  }));
}

function sorted(tags: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(tags).sort(([one], [other]) => (one < other ? -1 : 1));
}
