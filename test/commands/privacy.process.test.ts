import { chmod, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { temporaryFolder } from '../servers/lifetime.js';
import { ServiceProcess } from '../servers/service.js';
import { track, tracking } from './running.js';

const EVENT = { namespace: 'Server-1', name: 'cpu', value: 42 };

describe('The files of the service and of its commands', function () {
  this.timeout(60_000);

  it('are for the user alone that it runs as, and exported files as their umask says', async () => {
    const service = await ServiceProcess.start();
    await track(service, [EVENT]);
    const data = service.dataDirectory;
    expect(await othersMay(data)).to.deep.equal([]);
    expect(await readdir(data)).to.include.members(['events.duckdb', 'events.duckdb.wal', 'registry.json']);

    const folder = temporaryFolder('private');
    await chmod(folder, 0o755);
    await tracking({ DATA_DIR: data }, 'export', join(folder, 'all.ndjson'));
    await tracking({ DATA_DIR: data }, 'backup', join(folder, 'backup'));
    await service.stop();
    await tracking({ DATA_DIR: join(folder, 'other') }, 'import', join(folder, 'all.ndjson'));
    await writeFile(join(folder, 'own file'), '');
    expect((await stat(join(folder, 'all.ndjson'))).mode).to.equal((await stat(join(folder, 'own file'))).mode);
    for (const made of ['backup', 'other']) {
      expect(await othersMay(join(folder, made))).to.deep.equal([]);
    }
  });
});

/** What of a file or a folder, itself included, others may read, write or enter. */
async function othersMay(path: string): Promise<string[]> {
  const found = await stat(path);
  const inside = found.isDirectory() ? await readdir(path, { recursive: true }) : [];
  const paths = [path, ...inside.map((name) => join(path, name))];
  const modes = await Promise.all(paths.map(async (one) => (await stat(one)).mode));
  return paths.filter((_, index) => ((modes[index] ?? 0) & 0o077) !== 0);
}
