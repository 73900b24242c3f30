import { expect } from 'chai';
import { adoptTags, adoptText } from '../lib/adoption.js';
import { TrackingError } from '../lib/errors.js';
import { LineProtocol, type LineReception } from '../lib/line-protocol.js';

const RECEPTION: LineReception = { precision: 'ns', receivedAt: 5n, strings: 'refuse' };

describe('the series that line protocol remembers', () => {
  /** Measurements and fields that had to be made ours. */
  let adopted: string[];
  let protocol: LineProtocol;
  beforeEach(() => {
    adopted = [];
    const text = (name: string): string => {
      adopted.push(name);
      return adoptText(name);
    };
    protocol = new LineProtocol({ text, tags: adoptTags });
  });

  /** What a body makes it adopt. */
  function adoptedBy(body: string): string[] {
    adopted = [];
    try {
      protocol.read(Buffer.from(body), RECEPTION);
    } catch (error) {
      if (!(error instanceof TrackingError)) throw error;
    }
    return adopted;
  }

  it('are adopted once', () => {
    expect(adoptedBy('cpu,host=a user=1,idle=2\ncpu,host=a user=3 1')).to.deep.equal(['cpu', 'user', 'idle']);
    expect(adoptedBy('cpu,host=a user=1,idle=2')).to.deep.equal([]);
    expect(adoptedBy('cpu,host=a idle=1,user=2,nice=3')).to.deep.equal(['nice']);
  });

  it('are not those of a refused body', () => {
    expect(adoptedBy('cpu user=1\ndisk free=1\ndisk free=x')).to.deep.equal(['cpu', 'user', 'disk', 'free']);
    expect(adoptedBy('cpu user=1')).to.deep.equal(['cpu', 'user']);
    expect(adoptedBy('cpu idle=1,user=1,nice=1\nm,')).to.deep.equal(['idle', 'nice']);
    expect(adoptedBy('cpu idle=1,user=1')).to.deep.equal(['idle']);
    expect(adoptedBy('cpu idle=1,user=1')).to.deep.equal([]);
  });

  it('are not displaced by refused bodies', () => {
    adoptedBy('cpu user=1');
    for (let body = 0; body < 5; body++) {
      const crowd = Array.from({ length: 9000 }, (_, index) => `m${body},t=${index}${'x'.repeat(300)} v=1,w=1`);
      expect(adoptedBy(`${crowd.join('\n')}\nm,`)).to.have.length(27_000);
    }
    expect(adoptedBy('cpu user=1')).to.deep.equal([]);
  });

  it('are learned by and by where a body has more than one may add', () => {
    const crowd = Array.from({ length: 5000 }, (_, index) => `m,t=${index}${'x'.repeat(100)} v=1,w=1`).join('\n');
    const rounds = Array.from({ length: 6 }, () => adoptedBy(crowd).length);
    expect(rounds[0]).to.equal(15_000);
    expect(rounds.at(-1)).to.equal(0);
  });
});
