import { expect } from 'chai';
import fc from 'fast-check';
import { inShortDivisions } from '../../lib/influxdb/pieces.js';
import { Windows } from '../../lib/influxdb/windows.js';
import { END_OF_TIME, MIN_TIME } from '../../lib/time.js';

const SECOND = 1_000_000_000n;
const DAY = 86_400n * SECOND;
const selection = { namespace: 'Server-1', name: 'cpu', tags: {} };

describe('Stretches of time to ask InfluxDB for', () => {
  const run = fc.record({
    start: fc.bigInt({ min: -2_000_000n, max: 2_000_000n }).map((second) => second * SECOND),
    length: fc.bigInt({ min: 1n, max: 4000n }).map((seconds) => seconds * SECOND),
    count: fc.integer({ min: 1, max: 3000 }),
  });
  const cut = fc.record({ tsMin: run.map(({ start }) => start + 500_000_000n), tsMax: run.map(({ start }) => start) });

  it('cover the selected part of a run without overlap, and are cut only where windows begin', () => {
    fc.assert(
      fc.property(run, fc.option(cut, { nil: undefined }), (window, range) => {
        const windows = new Windows([window], { ...selection, ...range });
        const { start, end } = windows.whole;
        let reached = start;
        for (const piece of inShortDivisions(windows.pieces())) {
          expect(piece.range.start).to.equal(reached);
          if (reached > start) expect((reached - window.start) % window.length).to.equal(0n);
          reached = piece.range.end;
          expect((piece.range.end - piece.range.start) / window.length <= 500n).to.equal(true);
        }
        if (start < end) expect(reached).to.equal(end);
      }),
    );
  });

  it('leave windows near the ends of time to stand alone, as Flux would divide them without end', () => {
    const start = MIN_TIME - (MIN_TIME % (7n * DAY)) - 7n * DAY;
    const count = Number((END_OF_TIME - start) / (7n * DAY)) + 1;
    const pieces = new Windows([{ start, length: 7n * DAY, count }], selection).pieces();
    const divided = pieces.filter(({ division }) => division !== undefined);
    expect(divided).to.have.length(1);
    expect(pieces[0]?.range.start).to.equal(MIN_TIME);
    expect(pieces.at(-1)?.range.end).to.equal(END_OF_TIME);
    expect(pieces.length).to.be.within(3, 9);
  });

  it('find the window of a time, and none between two runs', () => {
    const runs = [
      { start: -10n * DAY, length: DAY, count: 3 },
      { start: DAY, length: 2n * DAY, count: 2 },
    ];
    const windows = new Windows(runs, selection);
    const days = [-11, -10, -8, -7, 0, 1, 2, 3, 5];
    expect(days.map((day) => windows.at(day * 86_400_000))).to.deep.equal([
      undefined,
      0,
      2,
      undefined,
      undefined,
      3,
      3,
      4,
      undefined,
    ]);
    expect([0, 2, 3, 4].map((number) => windows.startOf(number) / DAY)).to.deep.equal([-10n, -8n, 1n, 3n]);
  });
});
