import { expect } from 'chai';
import { run } from '../servers/program.js';
import { CREDENTIALS, ServiceProcess } from '../servers/service.js';
import { killAndRestart } from './kills.js';
import { getOpenTelemetryForPython } from './programs.js';
import { storedIn, sums } from './stored.js';

describe('the OpenTelemetry SDK for Python', () => {
  it('sends here what it counts: all of it is there, once, though the service is killed', async function () {
    this.timeout(300_000);
    const program = await getOpenTelemetryForPython();
    const service = await ServiceProcess.start();
    const client = run(program, [service.url, CREDENTIALS, '6'], { folder: service.folder });
    await killAndRestart(service, { times: 2, alive: 1500, dead: 400 });
    const { total, rounds, duration } = JSON.parse(await client) as Record<'total' | 'rounds' | 'duration', number>;
    const stored = await storedIn(service, 'python');
    await service.stop();
    expect(sums(stored, 'orders', 'shop', 'host.name')).to.deep.equal({ 'a web-1': total });
    expect(sums(stored, 'durations.count')).to.deep.equal({ '': rounds });
    expect(sums(stored, 'durations.sum')).to.deep.equal({ '': duration });
    const buckets = sums(stored, 'durations.bucket', 'le');
    expect(Object.keys(buckets)).to.have.members(['1', '10', '+Inf']);
    expect(Object.values(buckets).reduce((sum, count) => sum + count)).to.equal(rounds);
  });
});
