import { expect } from 'chai';
import { refuseExcess } from '../../lib/http/json-limits.js';

const list = (count: number, element: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => element(index)).join(',');

function words(text: string, form: 'text' | 'lines' = 'text', ...limits: number[]): string | undefined {
  try {
    refuseExcess(Buffer.from(text), form, ...limits);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('JSON', () => {
  it('may hold 10,000 events with 16 tags each', () => {
    const tags = list(16, (tag) => `"t${tag}":"a"`);
    const event = `{"namespace":"a","name":"b","timestamp":1,"value":1,"id":"1","tags":{${tags}}}`;
    expect(words(`[${list(10_000, () => event)}]`)).to.equal(undefined);
    expect(words(list(10_000, () => event).replaceAll('},', '}\n'))).to.equal(undefined);
  });

  it('may not hold millions of objects, values or keys, nor be as deep', () => {
    expect(words(`[${list(200_000, () => '{}')}]`)).to.match(
      /^The body holds more than 100000 objects and arrays. Send/,
    );
    expect(words(`[${list(200_000, () => '{}')}]`, 'text', 500_000)).to.equal(undefined);
    expect(words(`[${list(600_000, () => '1')}]`)).to.match(/^The body holds more than 500000 values. Send/);
    expect(words('['.repeat(30_000))).to.match(/^The body holds more than 1000 objects and arrays inside each other.$/);
    const keys = list(5001, (index) => `"k${index}":1`);
    expect(words(`[1,{"a":{${keys}}}]`)).to.match(/^The body holds more than 5000 keys in one object. What differs/);
    expect(words(list(25_000, (index) => `{"\\"k${index}" : 1}`))).to.match(
      /^The body holds more than 20000 different keys/,
    );
  });

  it('may have thousands of lines that do not end as they should', () => {
    expect(words('{"a":[1\n'.repeat(5000), 'lines')).to.equal(undefined);
  });

  it('may hold as much of it as it likes within strings, and of the same', () => {
    expect(words(`["${'[{,:'.repeat(1_000_000)}\\"${'[{,:'.repeat(1_000_000)}"]`)).to.equal(undefined);
    const keys = list(5000, (index) => `"k${index}":":"`);
    expect(words(list(20, () => `{${keys}}`))).to.equal(undefined);
  });
});
