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
        expect(boundedUtf8(bytes)).to.equal(boundedText(text));
        expect(boundedBase64(bytes)).to.equal(boundedText(bytes.toString('base64')));
      }),
    );
  });

  it('stays apart from others that begin like it', () => {
    const texts = ['', 'a', 'b', 'ab'].map((end) => 'x'.repeat(10_000) + end);
    expect(new Set(texts.map((text) => boundedUtf8(Buffer.from(text)))).size).to.equal(texts.length);
  });

  it('has to be UTF-8', () => {
    expect(() => boundedUtf8(Buffer.from('ff', 'hex'))).to.throw(TypeError, 'UTF-8');
  });
});
