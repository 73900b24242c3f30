import { expect } from 'chai';
import { RecentlyUsed } from '../../lib/http/recently-used.js';

const MEBIBYTE = 2 ** 20;

describe('What was used lately', () => {
  it('is found again, and made again once too much of it was kept', () => {
    const known = new RecentlyUsed<string>(() => MEBIBYTE);
    const made: string[] = [];
    const find = (words: string): string =>
      known.find(words, () => {
        made.push(words);
        return `of ${words}`;
      });
    expect([find('a'), find('a'), find('b')]).to.deep.equal(['of a', 'of a', 'of b']);
    expect(made).to.deep.equal(['a', 'b']);
    for (let index = 0; index < 200; index++) {
      find(`${index}`);
      find('b');
    }
    made.length = 0;
    expect([find('a'), find('b'), find('199')]).to.deep.equal(['of a', 'of b', 'of 199']);
    expect(made).to.deep.equal(['a']);
  });

  it('is kept apart however long its words are, and takes no more room for them', () => {
    const known = new RecentlyUsed<number>(() => 0);
    const long = 'x'.repeat(MEBIBYTE);
    for (let index = 0; index < 200; index++) expect(known.find(`${long}${index}`, () => index)).to.equal(index);
    for (let index = 0; index < 200; index++) expect(known.find(`${long}${index}`, () => -1)).to.equal(index);
  });
});
