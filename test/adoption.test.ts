import { expect } from 'chai';
import fc from 'fast-check';
import { adoptSeries, adoptTags, adoptText } from '../lib/adoption.js';
import { isTrackedEvent } from '../lib/event-rules.js';

const texts = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom('', '_', '__name__', '.', '..', 'name', 'time', 'more', '_'.repeat(200), '\ud800', '😀'.repeat(130)),
);

describe('Series of other programs', () => {
  it('become series of ours, whatever they are called', () => {
    fc.assert(
      fc.property(texts, texts, fc.array(fc.tuple(texts, texts), { maxLength: 40 }), (namespace, name, tags) => {
        const series = adoptSeries(namespace, name, tags);
        const event = { namespace: series.namespace, name: series.name, tags: series.tags, value: 1 };
        expect(isTrackedEvent(event), JSON.stringify(event)).to.equal(true);
      }),
    );
  });

  it('keep the names that are right as they are', () => {
    const tags = { host: 'web-1', path: '/var/log, "a"=\\b' };
    const series = adoptSeries('disk io', 'used%', Object.entries(tags));
    expect(series).to.include({ namespace: 'disk io', name: 'used%' });
    expect(series.tags).to.deep.equal(tags);
  });

  it('get another name where theirs is reserved', () => {
    expect(adoptText('_internal')).to.equal('exported__internal');
    expect(adoptText('..')).to.equal('exported_..');
    expect(
      adoptTags([
        ['name', 'sda'],
        ['time', 'noon'],
        ['_x', 'y'],
      ]),
    ).to.deep.equal({
      exported_name: 'sda',
      exported_time: 'noon',
      exported__x: 'y',
    });
  });

  it('keep a reserved tag beside one that has its new name already, in whatever order they come', () => {
    const tags: [string, string][] = [
      ['name', 'a'],
      ['exported_name', 'b'],
    ];
    const expected = { exported_name: 'b', exported_exported_name: 'a' };
    expect(adoptTags(tags)).to.deep.equal(expected);
    expect(adoptTags(tags.reverse())).to.deep.equal(expected);
    const alike = adoptTags([...tags, ['exported_exported_name', 'c'], ['a\tb', 'd'], ['a\nb', 'e'], ['a\rb', 'f']]);
    expect(Object.values(alike).sort()).to.deep.equal(['a', 'b', 'c', 'd', 'e', 'f']);
  });

  it('stay apart where their names are too long', () => {
    const long = 'x'.repeat(200);
    const [one, other] = [adoptText(`${long}1`), adoptText(`${long}2`)];
    expect(one)
      .to.match(/^x{111}~[0-9a-f]{16}$/)
      .and.not.equal(other);
    expect(adoptText('😀'.repeat(129))).to.match(/^(?:😀){111}~[0-9a-f]{16}$/u);
  });

  it('lose a tag without a value, and keep those beyond sixteen in one', () => {
    expect(
      adoptTags([
        ['empty', ''],
        ['host', 'a'],
      ]),
    ).to.deep.equal({ host: 'a' });
    const many = Array.from({ length: 18 }, (_, index): [string, string] => [`tag${10 + index}`, `v${index}`]);
    const adopted = adoptTags(many.reverse());
    expect(Object.keys(adopted)).to.have.lengthOf(16);
    expect(adopted).to.include({ tag10: 'v0', tag24: 'v14', more: 'tag25=v15,tag26=v16,tag27=v17' });
  });
});
