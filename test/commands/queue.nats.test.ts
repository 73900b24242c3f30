import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { influxDB } from '../servers/influxdb.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { natsServer } from '../servers/nats.js';
import { influxDBSettings } from '../servers/service.js';
import { tracking } from './running.js';

describe('moving events behind a queue', function () {
  this.timeout('20m'); // the servers may have to be built

  it('says what is in the queue and not in the store yet', async () => {
    const nats = await natsServer();
    const folder = temporaryFolder('queued');
    const bucket = influxDBSettings(await (await influxDB()).createBucket());
    const queue = { QUEUE: 'nats', NATS_URL: nats.url, NATS_STREAM: nats.freshStream() };
    // No service runs, so that nothing leaves the queue.
    const settings = { ...queue, ...bucket, DATA_DIR: join(folder, 'data') };
    const file = join(folder, 'three.ndjson');
    const line = (second: number) =>
      `{"namespace":"a","name":"b","timestamp":"2020-01-01T00:00:0${second}Z","value":1,"id":"x"}\n`;
    await writeFile(file, [1, 2, 3].map(line).join(''));
    const imported = await tracking(settings, 'import', file);
    expect(imported.stderr).to.match(
      /3 rows of \S+ are in the queue \(what the database refuses of them becomes a dead letter\), each once\.\n$/,
    );
    const backup = await tracking(settings, 'backup', join(folder, 'backup'));
    expect(backup.stderr).to.match(
      /holds 0 points and .*\nWhen it began, 3 accepted event\(s\) waited in the queue: of these some may not be in it\.\n$/,
    );
  });
});
