import { expect } from 'chai';
import fc from 'fast-check';
import { boundedBase64, boundedText, boundedUtf8 } from '../../lib/http/bounded-text.js';

describe('A text that is not long', () => {
  const long = fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 400 }), fc.nat(20))
    .map(([text, times]) => text.repeat(times));

  it('is the same of the text, of its UTF-8 and of its base64', () => {
    fc.assert(
      fc.property(long, (text) => {
        const bytes = Buffer.from(text);
        const body = Buffer.concat([Buffer.from('é'), bytes, Buffer.from('é')]);
        expect(boundedUtf8(body, 2, body.length - 2)).to.equal(boundedText(text));
        expect(boundedBase64(bytes)).to.equal(boundedText(bytes.toString('base64')));
      }),
    );
  });

  it('stays apart from others that begin like it', () => {
    const texts = ['', 'a', 'b', 'ab'].map((end) => Buffer.from('x'.repeat(10_000) + end));
    expect(new Set(texts.map((bytes) => boundedUtf8(bytes, 0, bytes.length))).size).to.equal(texts.length);
  });

  it('has to be UTF-8', () => {
    for (const length of [1, 10_000]) {
      expect(() => boundedUtf8(Buffer.alloc(length, 0xff), 0, length)).to.throw(TypeError, 'UTF-8');
    }
    expect(boundedUtf8(Buffer.from('a\uFFFD'), 0, 4)).to.equal('a\uFFFD');
  });
});
