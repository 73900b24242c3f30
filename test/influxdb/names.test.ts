import { expect } from 'chai';
import fc from 'fast-check';
import { measurementOf, nameOf, tagKeyOf, tagTextOf } from '../../lib/influxdb/names.js';

const text = fc.oneof(
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.string({
    minLength: 1,
    maxLength: 12,
    unit: fc.constantFrom('%', '2', '3', '4', '5', '0', 'C', '\\', '#', '$', '@', ',', ' ', '='),
  }),
);

describe('Names in InfluxDB', () => {
  it('come back as they were, whatever they are', () => {
    fc.assert(
      fc.property(text, (name) => {
        for (const spell of [measurementOf, tagKeyOf, tagTextOf]) expect(nameOf(spell(name))).to.equal(name);
      }),
    );
  });

  it('are spelled as they are, but for what InfluxDB would lose', () => {
    expect(measurementOf('Server 1, "west" = 100 % / \\o/ 😀')).to.equal('Server 1, "west" = 100 % / \\o/ 😀');
    expect(measurementOf('#1 \\')).to.equal('%231 %5C');
    expect(measurementOf('a\\,b\\ c\\=d')).to.equal('a%5C,b%5C c%5C=d');
    expect(tagTextOf('#1 %23')).to.equal('#1 %2523');
    expect(tagTextOf('C:\\')).to.equal('C:%5C');
    expect(tagKeyOf('$')).to.equal('%24');
    expect(tagKeyOf('a@b')).to.equal('a%40b');
  });
});
