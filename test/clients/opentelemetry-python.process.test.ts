import { existsSync, mkdirSync, mkdtempSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { report, run } from '../servers/program.js';
import { APPLICATION, ServiceProcess } from '../servers/service.js';
import { storedIn, sums } from './stored.js';

const VERSION = '1.45.2';
// Compiled tests stand in dist/, what they run beside them in the sources.
const CLIENT = fileURLToPath(new URL('../../../test/clients/opentelemetry_client.py', import.meta.url));

describe('the OpenTelemetry SDK for Python', () => {
  it('sends here what it counts: all of it is there, once, though the service is killed', async function () {
    this.timeout(300_000);
    const packages = await installed();
    const service = await ServiceProcess.start();
    const authorization = `Basic ${Buffer.from(`${APPLICATION.id}:${APPLICATION.secret}`).toString('base64')}`;
    const client = run('env', [`PYTHONPATH=${packages}`, 'python3', CLIENT, service.url, authorization, '6'], {
      folder: service.folder,
    });
    for (let kill = 0; kill < 2; kill++) {
      await sleep(1500);
      await service.kill();
      await sleep(400);
      service.launchAgain();
      await service.ready();
    }
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

/** Where Python finds the SDK, in the cache beside the servers that tests need. */
async function installed(): Promise<string> {
  const cache = process.env.XDG_CACHE_HOME ?? '';
  const parent = path.join(cache === '' ? path.join(homedir(), '.cache') : cache, 'tracking-api', 'clients');
  const place = path.join(parent, `opentelemetry-for-python-${VERSION}`);
  if (existsSync(place)) return place;
  report(`No OpenTelemetry SDK for Python here yet: installing ${VERSION}, once …`);
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, 'install-'));
  const packages = [`opentelemetry-sdk==${VERSION}`, `opentelemetry-exporter-otlp-proto-http==${VERSION}`];
  await run('python3', ['-m', 'pip', 'install', '--quiet', '--target', folder, ...packages], { folder });
  renameSync(folder, place);
  return place;
}
