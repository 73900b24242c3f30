import { expect } from 'chai';
import { Averages } from '../../lib/influxdb/averages.js';
import { type Row, RowReader } from '../../lib/influxdb/rows.js';

describe('Averages of several series', () => {
  /** One row of each series, as an answer has them. */
  function rowsOf(...hosts: string[]): Row[] {
    const reader = new RowReader();
    const lines = [',result,table,_time,_value,host', ...hosts.map((host, index) => `,,${index},t,v,${host}`)];
    return lines.map((line) => reader.read(line)).filter((row) => row !== undefined);
  }

  function add(averages: Averages, rows: readonly Row[], means: readonly number[]): void {
    rows.forEach((row, index) => {
      averages.add(row, '', 0, means[index] ?? NaN);
    });
  }

  it('are by how many points each has, whatever the order of the answers', () => {
    const averages = new Averages();
    for (const row of rowsOf('a', 'b')) averages.count(row, 0, row.cells.includes('a') ? 3 : 1);
    add(averages, rowsOf('b', 'a'), [5, 1]);
    expect([...averages]).to.deep.equal([{ group: '', window: 0, mean: 2 }]);
  });

  it('need no counts for one series in a window, and say so where there are two', () => {
    const averages = new Averages();
    add(averages, rowsOf('a'), [5]);
    expect(averages.needsCounts).to.equal(false);
    add(averages, rowsOf('b'), [1]);
    expect(averages.needsCounts).to.equal(true);
  });

  it('take a series that came after the counts for one point, and no count without a mean', () => {
    const averages = new Averages();
    for (const row of rowsOf('a', 'c')) averages.count(row, 0, 9);
    add(averages, rowsOf('a', 'b'), [10, 0]);
    expect([...averages]).to.deep.equal([{ group: '', window: 0, mean: 9 }]);
    expect(averages.needsCounts).to.equal(false);
  });
});
