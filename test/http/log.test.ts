import { expect } from 'chai';
import { Writable } from 'node:stream';
import { createLogger } from '../../lib/log.js';

/** What a logger writes, one string for each write. */
function capture(): { writes: string[]; stream: Writable } {
  const writes: string[] = [];
  const stream = new Writable({
    write(text: Buffer, _encoding, done) {
      writes.push(String(text));
      done();
    },
  });
  return { writes, stream };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the logger', () => {
  it('writes one JSON line a call, all of a turn at once', async () => {
    const { writes, stream } = capture();
    const logger = createLogger({ level: 'info', human: false, stream });
    logger.info('one', { count: 1, text: 'a "b"\n', missing: undefined, list: [1], huge: 5n });
    logger.log({ level: 'warn', message: 'two' });
    await turn();
    expect(writes).to.have.length(1);
    const [one, two, rest] = (writes[0] ?? '').split('\n');
    const { time, ...fields } = JSON.parse(one ?? '') as Record<string, unknown>;
    expect(time).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(fields).to.deep.equal({ level: 'info', message: 'one', count: 1, text: 'a "b"\n', list: [1], huge: '5' });
    expect(JSON.parse(two ?? '')).to.include({ level: 'warn', message: 'two' });
    expect(rest).to.equal('');
  });

  it('does not keep errors waiting, nor what is left when it ends', () => {
    const { writes, stream } = capture();
    const logger = createLogger({ level: 'info', human: false, stream });
    logger.error('broken');
    expect(writes).to.have.length(1);
    logger.info('last');
    logger.end();
    return turn().then(() => {
      expect(writes.join('')).to.match(/broken.*\n.*last/);
    });
  });

  it('leaves out what is below its level', async () => {
    const { writes, stream } = capture();
    const logger = createLogger({ level: 'warn', human: false, stream });
    logger.info('quiet');
    logger.warn('loud');
    await turn();
    expect(writes.join('')).to.match(/loud/).and.not.match(/quiet/);
    expect(logger.isLevelEnabled('info')).to.equal(false);
  });

  it('writes lines for people on a terminal', async () => {
    const { writes, stream } = capture();
    const logger = createLogger({ level: 'info', human: true, stream });
    logger.info('request', { method: 'GET', path: '/a b', status: 200, missing: undefined });
    logger.log({ level: 'error', message: 'broken', stack: 'Error: broken\n    at here' });
    await turn();
    expect(writes.join('')).to.match(
      /^\d\d:\d\d:\d\d\.\d{3} info {2}request method=GET path="\/a b" status=200\n\S+ error broken\nError: broken\n {4}at here\n$/,
    );
  });
});
