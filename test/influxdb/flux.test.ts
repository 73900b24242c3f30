import { expect } from 'chai';
import fc from 'fast-check';
import { anyOf, matching, textOf } from '../../lib/influxdb/flux.js';

describe('Questions in Flux', () => {
  it('let no name, tag or value end its string', () => {
    const sharp = fc.string({ unit: fc.constantFrom('$', '"', '\\', '{', '}', '\n', 'a', '😀') });
    fc.assert(
      fc.property(fc.oneof(sharp, fc.string({ unit: 'binary' })), (text) => {
        const literal = String(textOf(text));
        // What Flux could take for an escape or an end is left in no other form than \xHH.
        expect(literal.slice(1, -1).replace(/\\x[0-9a-f]{2}/g, '')).to.not.match(/[\\"$]/);
        const read = literal
          .slice(1, -1)
          .replace(/\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
        expect(read).to.equal(text);
      }),
    );
  });

  it('ask for tags by their spelling in InfluxDB', () => {
    expect(String(anyOf('a@b', ['$"', undefined]))).to.equal('(r["a%40b"] == "\\x24\\x22" or not exists r["a%40b"])');
    expect(String(matching({ namespace: '#1', name: 'cpu', tags: { host: ['a', 'b'] } }))).to.equal(
      'filter(fn: (r) => r._measurement == "%231" and r["name"] == "cpu" and r._field == "value"' +
        ' and (r["host"] == "a" or r["host"] == "b"))',
    );
  });
});
