import { expect } from 'chai';
import { temporaryFolder } from '../servers/lifetime.js';
import { ServiceProcess } from '../servers/service.js';
import { refusal, tracking } from './running.js';

const SAMPLE = ['sample', '--days', '1', '--hosts', '2'] as const;

/** How many lines there are, each an event. */
async function exported(settings: Readonly<Record<string, string>>): Promise<number> {
  const { stdout } = await tracking(settings, 'export', '--format', 'ndjson', '--to', '-1h');
  return stdout.trim().split('\n').length;
}

describe('tracking sample', function () {
  this.timeout(120_000);

  it('fills an embedded store that no service has open, and done again adds only what is new', async () => {
    const settings = { DATA_DIR: temporaryFolder('sample') };
    const { stderr } = await tracking(settings, ...SAMPLE);
    expect(stderr).to.match(
      /[\d,]+ events of 1 day\(s\) are stored, each once, under Server-1 to Server-2, Frontend\.\n$/,
    );
    const before = await exported(settings);
    expect(before).to.be.above(10_000);
    await tracking(settings, 'sample', '--days', '1', '--hosts', '2', '--seed', '1');
    // The hour that the export leaves out moves on by the minute.
    expect((await exported(settings)) - before).to.be.within(0, 200);
  });

  it('fills the store of a running service', async () => {
    const service = await ServiceProcess.start();
    try {
      await tracking({ DATA_DIR: service.dataDirectory }, ...SAMPLE);
      const ask = `${service.url}/api/events/Server-2/cpuUtilization?granularity=all&aggregationType=count`;
      const answer = await fetch(ask, { headers: { Authorization: `Bearer ${await service.token()}` } });
      expect(await answer.json()).to.have.nested.property('[0].value', 1440);
    } finally {
      await service.stop();
    }
  });

  it('says which numbers it takes', async () => {
    const settings = { DATA_DIR: temporaryFolder('sample') };
    expect(await refusal(settings, 'sample', '--days', '0')).to.contain('a whole number from 1 to 3660');
    expect(await refusal(settings, 'sample', '--seed', 'x')).to.contain('a whole number from 0');
  });
});
