import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { until } from './nats/consumers.js';
import { OwnInfluxDBServer } from './servers/influxdb.js';
import { CLI, influxDBSettings, ServiceProcess } from './servers/service.js';

const run = promisify(execFile);

describe('a service that is stopped', function () {
  this.timeout('20m'); // influxd may have to be built

  it('ends while a command of another process waits for a database that is away, and that one goes on without it', async () => {
    const influx = await OwnInfluxDBServer.start();
    const settings = influxDBSettings(await influx.createBucket());
    const service = await ServiceProcess.start(settings);
    const file = path.join(service.folder, 'events.ndjson');
    writeFileSync(file, '{"namespace":"a","name":"b","timestamp":"2020-11-12T11:10:00Z","value":1}\n');
    await influx.kill();
    const environment = { ...process.env, ...settings, DATA_DIR: service.dataDirectory };
    let over = false;
    const importing = run(process.execPath, [CLI, 'import', file], { env: environment })
      .then(
        () => 'imported',
        (error: unknown) => (error as { stderr: string }).stderr,
      )
      .finally(() => (over = true));
    const token = await service.token();
    const waits = async (): Promise<boolean> => {
      const response = await fetch(`${service.url}/api/track/`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
        body: '{"namespace":"a","name":"b","value":1}',
      });
      return response.status === 503;
    };
    await until(async () => over || (await waits()));
    expect(await service.stop()).to.equal(0);
    await influx.restart();
    expect(await importing).to.equal('imported');
    await influx.stop();
  });
});
