import type { StreamInfo } from '@nats-io/jetstream';
import { expect } from 'chai';
import type { Bucket, Entry } from '../../lib/nats/bucket.js';
import { lossesIn, type Numbering, openNumbering, type Reached } from '../../lib/nats/numbering.js';

describe('Numbering of the stream', () => {
  /** What a bucket keeps of it, in memory: a real server would have to start a hundred times. */
  function memory(): Bucket {
    let entry: Entry | undefined;
    const bucket: Pick<Bucket, 'get' | 'replace'> = {
      get: () => Promise.resolve(entry),
      replace: (key, value) => {
        const revision = (entry?.revision ?? 0) + 1;
        entry = { key, value: Buffer.from(value), revision };
        return Promise.resolve(revision);
      },
    };
    return bucket as Bucket;
  }

  it('tells of a loss however often the server has started since', async () => {
    const writers = memory();
    let told = 0;
    const seen: Reached[] = [];
    const open = (run: number, last: number): Promise<Numbering> =>
      openNumbering({
        writers,
        known: undefined,
        run: String(run),
        reached: () => Promise.resolve(seen),
        stream: () =>
          Promise.resolve({ created: '2026-01-01T00:00:00Z', config: {}, state: { last_seq: last } } as StreamInfo),
        onLoss: () => told++,
      });
    const { generation } = await open(0, 0);
    seen.push({ generation, era: 0, sequence: 7 });
    expect(lossesIn(await open(0, 5))).to.have.length(1);
    for (let run = 1; run < 250; run++) expect(lossesIn(await open(run, 5 + run))).to.have.length(1);
    const { breaks } = await open(250, 500);
    expect(breaks.map(({ kind }) => kind)).to.deep.equal(['shortened', ...Array<string>(100).fill('restarted')]);
    expect(breaks.map(({ era }) => era)).to.deep.equal(breaks.map(({ era }) => era).sort((one, other) => one - other));
    expect(told).to.equal(1);
  });
});
