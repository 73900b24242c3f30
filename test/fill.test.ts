import { expect } from 'chai';
import type { Fill } from '../lib/aggregation.js';
import { fillWindows } from '../lib/fill.js';
import type { WindowAggregate } from '../lib/store.js';

const windows = [
  { start: 0n, length: 10n, count: 3 },
  { start: 30n, length: 30n, count: 2 },
];

async function filled(fill: Fill, rows: readonly (readonly [bigint, number | null, string?])[]): Promise<unknown[]> {
  const aggregates = (async function* (): AsyncGenerator<WindowAggregate> {
    for (const [start, value, group] of rows) yield await Promise.resolve({ group, start, values: [value] });
  })();
  const found: unknown[] = [];
  for await (const { group, time, values } of fillWindows(aggregates, windows, fill, 1)) {
    found.push(group === undefined ? [time, values[0]] : [time, values[0], group]);
  }
  return found;
}

describe('windows without events', () => {
  const rows = [
    [0n, 4],
    [60n, 10],
  ] as const;

  it('are left out with none', async () => {
    expect(await filled('none', rows)).to.deep.equal([
      [0n, 4],
      [60n, 10],
    ]);
  });

  it('are null with null and 0 with zero', async () => {
    expect(await filled('null', rows)).to.deep.equal([
      [0n, 4],
      [10n, null],
      [20n, null],
      [30n, null],
      [60n, 10],
    ]);
    expect(await filled('zero', rows)).to.deep.equal([
      [0n, 4],
      [10n, 0],
      [20n, 0],
      [30n, 0],
      [60n, 10],
    ]);
  });

  it('repeat the window before with previous', async () => {
    expect(await filled('previous', rows)).to.deep.equal([
      [0n, 4],
      [10n, 4],
      [20n, 4],
      [30n, 4],
      [60n, 10],
    ]);
  });

  it('lie on the line between their neighbours with linear, by time and not by number', async () => {
    expect(await filled('linear', rows)).to.deep.equal([
      [0n, 4],
      [10n, 5],
      [20n, 6],
      [30n, 7],
      [60n, 10],
    ]);
    expect(
      await filled('linear', [
        [0n, null],
        [60n, 10],
      ]),
    ).to.deep.include([20n, null]);
  });

  it('are filled in each group by itself, null where it has no neighbour', async () => {
    const groups = [
      [10n, 1],
      [30n, 3],
      [60n, 5, 'b'],
    ] as const;
    expect(await filled('previous', groups)).to.deep.equal([
      [0n, null],
      [10n, 1],
      [20n, 1],
      [30n, 3],
      [60n, 3],
      [0n, null, 'b'],
      [10n, null, 'b'],
      [20n, null, 'b'],
      [30n, null, 'b'],
      [60n, 5, 'b'],
    ]);
    expect(await filled('linear', groups)).to.deep.include([20n, 2]);
  });

  it('stay none where there is no event at all', async () => {
    expect(await filled('zero', [])).to.deep.equal([]);
  });
});
