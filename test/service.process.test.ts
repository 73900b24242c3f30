import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { freePort } from './servers/process.js';
import { CLI, ServiceProcess } from './servers/service.js';

const run = promisify(execFile);

interface Failed {
  readonly code: number;
  readonly stderr: string;
}

async function track(service: ServiceProcess, body: unknown): Promise<Response> {
  return fetch(`${service.url}/api/track/`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${await service.token()}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function count(service: ServiceProcess, token?: string): Promise<number> {
  const response = await fetch(`${service.url}/api/events/a/b?granularity=all&aggregationType=count`, {
    headers: { Authorization: `Bearer ${token ?? (await service.token())}` },
  });
  const [window] = (await response.json()) as { value: number }[];
  return window?.value ?? 0;
}

describe('the service', function () {
  this.timeout(30_000);

  it('makes an application on its first start and prints commands that work', async () => {
    const service = await ServiceProcess.start({ BOOTSTRAP_CLIENT_ID: '', BOOTSTRAP_CLIENT_SECRET: '' });
    let commands: string[] = [];
    // They come right after the service begins to listen.
    while (commands.length < 4) {
      await setTimeout(20);
      commands = service.log.split('\n').filter((line) => /^(export|TOKEN|curl)/.test(line));
    }
    const { stdout } = await run('bash', ['-c', commands.join('\n')]);
    expect(stdout).to.match(/^\{"accepted":1\}\s*\[\{"aggregatedTimestamp":"[^"]*:00:00Z","value":1\}\]\s*$/);
    await service.stop();
  });

  it('keeps what it acknowledged over a restart and over kill -9', async () => {
    const service = await ServiceProcess.start();
    expect((await track(service, { namespace: 'a', name: 'b', value: 1 })).status).to.equal(201);
    await service.kill();
    await service.restart();
    expect(await count(service)).to.equal(1);
    await track(service, [{ namespace: 'a', name: 'b', value: 1 }]);
    await service.restart();
    expect(await count(service)).to.equal(2);
    await service.stop();
  });

  it('accepts tokens from before its restart', async () => {
    const service = await ServiceProcess.start();
    const token = await service.token();
    await track(service, { namespace: 'a', name: 'b', value: 1 });
    await service.restart();
    expect(await count(service, token)).to.equal(1);
    await service.stop();
  });

  it('ends with exit code 0 on SIGTERM, and what it had accepted is there', async () => {
    const service = await ServiceProcess.start();
    const requests = Array.from({ length: 50 }, (_, index) =>
      track(service, { namespace: 'a', name: 'b', value: index }),
    );
    await Promise.race(requests);
    const stopped = service.stop();
    const answers = await Promise.allSettled(requests);
    expect(await stopped).to.equal(0);
    const accepted = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.status === 201).length;
    await service.restart();
    expect(await count(service)).to.be.at.least(accepted);
    await service.stop();
  });

  it('refuses a second process on its data directory with a sentence', async () => {
    const service = await ServiceProcess.start();
    const environment = { ...process.env, DATA_DIR: service.dataDirectory, PORT: String(await freePort()) };
    const failed = (await run(process.execPath, [CLI, 'serve'], { env: environment }).catch(
      (error: unknown) => error,
    )) as Failed;
    expect(failed.code).to.equal(1);
    expect(failed.stderr).to.match(/^The data directory \S+ is in use by process \d+\. Stop it first/);
    await service.stop();
  });

  it('registers applications on the command line while it runs and while it does not', async () => {
    const service = await ServiceProcess.start();
    const environment = { ...process.env, DATA_DIR: service.dataDirectory };
    const tracking = async (...command: string[]): Promise<string> =>
      (await run(process.execPath, [CLI, 'application', ...command], { env: environment })).stdout;
    const { id, secret } = JSON.parse(await tracking('add', 'Web shop', '--scopes', 'write', '--json')) as Record<
      string,
      string
    >;
    const getToken = (): Promise<Response> =>
      fetch(`${service.url}/o/token/`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: id ?? '',
          client_secret: secret ?? '',
        }),
      });
    expect((await getToken()).status).to.equal(200);
    await service.stop();
    expect(await tracking('list')).to.contain(`${id}  "Web shop"  scopes: write  namespaces: all`);
    await tracking('remove', id ?? '');
    await service.restart();
    expect((await getToken()).status).to.equal(401);
    await service.stop();
  });

  it('is told on the command line how long events are kept, while it runs and while it does not', async () => {
    const service = await ServiceProcess.start({ LOG_LEVEL: 'info' });
    const environment: NodeJS.ProcessEnv = { ...process.env, DATA_DIR: service.dataDirectory };
    const tracking = async (...command: string[]): Promise<string> =>
      (await run(process.execPath, [CLI, 'retention', ...command], { env: environment })).stdout;
    expect(await tracking('set', 'Server-*', '90d')).to.equal(
      'Events of Server-* that are older than 90d are being deleted now (none so far), and others once they are.\n',
    );
    const failed = (await tracking('set', 'Server-*', 'soon').catch((error: unknown) => error)) as Failed;
    expect(failed.stderr).to.match(/^Nothing was set: the duration must be a number of hours, .* not "soon"\.\n$/);
    await service.stop();
    expect(await tracking('set', 'Front*', '1h', '--dry-run')).to.equal(
      'Events of Front* that are older than 1h would be deleted at once: none so far. Nothing was set.\n',
    );
    await tracking('set', 'Frontend', '18mo');
    expect(await tracking('list')).to.equal('Server-*  90d\nFrontend  558d\n');
    await tracking('remove', 'Server-*');
    const again = (await tracking('remove', 'Server-*').catch((error: unknown) => error)) as Failed;
    expect(again.stderr).to.equal('There is no retention for Server-*.\n');
    environment.RETENTION = '1y';
    expect(JSON.parse(await tracking('list', '--json'))).to.deep.equal([
      { namespaces: 'Frontend', duration: '558d', setting: false },
      { namespaces: '*', duration: '366d', setting: true },
    ]);
  });

  it('starts without InfluxDB, says why it is not ready, and answers writes with 503', async () => {
    const service = await ServiceProcess.start({
      STORE: 'influxdb',
      INFLUXDB_URL: `http://127.0.0.1:${await freePort()}`,
      INFLUXDB_TOKEN: 'token',
      INFLUXDB_ORG: 'org',
      INFLUXDB_BUCKET: 'bucket',
    });
    const ready = await fetch(`${service.url}/ready`);
    expect(ready.status).to.equal(503);
    expect(JSON.stringify(await ready.json())).to.match(/InfluxDB/);
    const refused = await track(service, { namespace: 'a', name: 'b', value: 1 });
    expect(refused.status).to.equal(503);
    expect(refused.headers.get('Retry-After')).to.match(/^\d+$/);
    expect(await service.stop()).to.equal(0);
  });

  it('does not start with wrong settings, and says each mistake', async () => {
    const environment = { ...process.env, PORT: 'x', STORE: 'mysql' };
    const failed = (await run(process.execPath, [CLI, 'serve'], { env: environment }).catch(
      (error: unknown) => error,
    )) as Failed;
    expect(failed.code).to.equal(1);
    expect(failed.stderr).to.contain('- PORT must be').and.to.contain('- STORE must be one of [duckdb, influxdb]');
  });
});
