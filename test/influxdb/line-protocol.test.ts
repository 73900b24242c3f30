import { expect } from 'chai';
import { seriesOf } from '../../lib/event.js';
import { lineOf, linePrefix } from '../../lib/influxdb/line-protocol.js';

describe('Line protocol', () => {
  it('has the namespace as measurement, the name as a tag, the value as a float', () => {
    const prefix = linePrefix(seriesOf('Server 1', 'cpu', { region: 'eu,west', host: 'web=1' }));
    expect(prefix).to.equal('Server\\ 1,host=web\\=1,name=cpu,region=eu\\,west value=');
    expect(lineOf(prefix, 42, undefined, 1_605_179_400_000, 7)).to.equal(`${prefix}42 1605179400000000007`);
  });

  it('has the fingerprint of an id as an integer, to its last digit', () => {
    expect(lineOf('m value=', 0.1, -9_223_372_036_854_775_807n, 1, 0)).to.equal(
      'm value=0.1,id=-9223372036854775807i 1000000',
    );
  });

  it('knows times before 1970', () => {
    expect(lineOf('m value=', 1e-7, undefined, -1, 999_999)).to.equal('m value=1e-7 -1');
    expect(lineOf('m value=', 1e21, undefined, 0, 5)).to.equal('m value=1e+21 5');
  });

  it('has the time of each line, whichever came before', () => {
    const times = [
      [1000, 0],
      [1000, 0],
      [1000, 1],
      [2000, 1],
      [2000, 0],
      [0, 0],
    ] as const;
    const written = times.map(([milliseconds, nanoseconds]) => lineOf('', 1, undefined, milliseconds, nanoseconds));
    expect(written).to.deep.equal([
      '1 1000000000',
      '1 1000000000',
      '1 1000000001',
      '1 2000000001',
      '1 2000000000',
      '1 0',
    ]);
  });
});
