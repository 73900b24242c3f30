import { once } from 'node:events';
import { spawn } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { appendFile, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { ndjson } from '../../lib/archives/ndjson.js';
import { textArchive } from '../../lib/archives/text.js';
import { CLI, ServiceProcess } from '../servers/service.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { interrupted, linesOf, progressIn, refusal, track, tracking, whileImporting } from './running.js';

const NDJSON = textArchive(ndjson, { gzip: false });

describe('tracking export, import, backup and restore', function () {
  this.timeout(120_000);
  let service: ServiceProcess;
  let folder: string;
  let original: string[];

  before(async () => {
    service = await ServiceProcess.start();
    folder = temporaryFolder('transfer');
    const at = (index: number): string => new Date(Date.UTC(2020, 10, 12, 11, 0, index)).toISOString();
    const events = Array.from({ length: 300 }, (_, index) => ({
      namespace: `Server-${index % 3}`,
      name: index % 2 === 0 ? 'cpu' : 'mem, "used" \\',
      timestamp: at(index % 50),
      value: index / 7,
      ...(index % 4 === 0 ? {} : { tags: { host: `web-${index % 5}`, 'dätä ': 'a=b, c\\' } }),
      ...(index % 5 === 0 ? { id: `event ${index}` } : {}),
    }));
    await track(service, events);
    await track(service, [{ namespace: 'Samples', name: 'cpu', timestamp: at(0), value: 1 }], '?identity=timestamp');
    // The same once more, twice: different events.
    await track(service, events.slice(1, 3));
    original = await exported(beside());
  });

  after(() => service.stop());

  const beside = (): Record<string, string> => ({ DATA_DIR: service.dataDirectory });
  const elsewhere = (): Record<string, string> => ({ DATA_DIR: join(temporaryFolder('elsewhere'), 'data') });

  async function exported(settings: Record<string, string>): Promise<string[]> {
    const file = join(temporaryFolder('exported'), 'all.ndjson');
    await tracking(settings, 'export', file);
    return linesOf(NDJSON, file);
  }

  for (const ending of ['ndjson', 'csv.gz', 'lp', 'parquet']) {
    it(`takes everything to another place by .${ending}, and once more for nothing`, async () => {
      const file = join(folder, `all.${ending}`);
      const { stderr } = await tracking(beside(), 'export', file);
      expect(stderr).to.contain(`303 points were exported to ${file}.\n`);
      const settings = elsewhere();
      expect((await tracking(settings, 'import', file)).stderr).to.match(
        /303 rows of \S+ are stored, each once; 242 of them had no identity and got one from the content of the file and their number\.\n$/,
      );
      const after = await exported(settings);
      expect(after.map(withoutIdentity).sort()).to.deep.equal(original.map(withoutIdentity).sort());
      // What had an identity has the same one.
      const identified = original.filter((line) => !line.endsWith(' '));
      expect(identified).to.have.length(61);
      expect(after).to.include.members(identified);
      await tracking(settings, 'import', file);
      expect(await exported(settings)).to.deep.equal(after);
      expect((await readdir(settings.DATA_DIR ?? '')).filter((name) => name.startsWith('import-'))).to.be.empty;
    });
  }

  it('writes to standard output what its filters hold, and reads it from standard input beside a service', async () => {
    const filters = ['--namespace', 'Server-1', '--namespace', 'Sam*', '--name', 'c*', '--to', '2020-11-12T11:00:10Z'];
    const { stdout, stderr } = await tracking(beside(), 'export', ...filters);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { namespace: string; timestamp: string });
    expect(new Set(rows.map(({ namespace }) => namespace))).to.deep.equal(new Set(['Server-1', 'Samples']));
    expect(rows.every(({ timestamp }) => timestamp < '2020-11-12T11:00:10')).to.equal(true);
    expect(stderr).to.contain(`${rows.length} points were exported.\n`);

    const other = await ServiceProcess.start();
    for (let round = 0; round < 2; round++) {
      const child = spawn(process.execPath, [CLI, 'import', '-'], {
        env: { ...process.env, DATA_DIR: other.dataDirectory },
      });
      child.stdin.end(stdout);
      expect(await once(child, 'exit')).to.deep.equal([0, null]);
    }
    expect((await exported({ DATA_DIR: other.dataDirectory })).length).to.equal(rows.length);
    await other.stop();
  });

  it('stores nothing of a file with a bad row, and says where it is', async () => {
    const settings = elsewhere();
    const file = join(folder, 'bad.ndjson');
    const good = '{"namespace":"a","name":"b","timestamp":1,"value":1}\n';
    await writeFile(file, `${good.repeat(20_000)}{"namespace":"a","name":"b","timestamp":1,"value":"1"}\n`);
    expect(await refusal(settings, 'import', file)).to.contain(
      `${file}: line 20001: value must be a finite number. Nothing of it was stored.`,
    );
    expect(await exported(settings)).to.deep.equal([]);
  });

  describe('interrupted', () => {
    let file: string;

    before(async () => {
      file = join(folder, 'long.ndjson');
      const lines = Array.from(
        { length: 300_000 },
        (_, index) => `{"namespace":"a","name":"b","timestamp":${index},"value":1}\n`,
      );
      await writeFile(file, lines.join(''));
    });

    async function assertWhole(settings: Record<string, string>): Promise<void> {
      const there = (await exported(settings)).map(withoutIdentity);
      expect([there.length, new Set(there).size]).to.deep.equal([300_000, 300_000]);
      expect(progressIn(settings)).to.equal(undefined);
    }

    it('goes on where it was, and adds nothing twice', async () => {
      const settings = elsewhere();
      await interrupted(settings, file);
      const { stderr } = await tracking(settings, 'import', file);
      expect(stderr).to.match(/^Going on after row [1-9][\d,]*0,000, where an import of/);
      expect(stderr).to.contain('are stored, each once; 300,000 of them had no identity and got one from the content');
      await assertWhole(settings);
    });

    it('begins anew where the store was emptied meanwhile, or is another one', async () => {
      const settings = elsewhere();
      await interrupted(settings, file);
      await rm(join(settings.DATA_DIR ?? '', 'events.duckdb'));
      const { stderr } = await tracking(settings, 'import', file);
      expect(stderr).to.match(/^An import of \S+ was interrupted, and the store does not hold what it had brought/);
      await assertWhole(settings);
    });
  });

  it('says that rows are stored where the file changes under it', async () => {
    for (const [change, words] of [
      ['x', /line 300000: .*\. It has changed since it was checked, and rows of it are stored\. Import it once more/],
      ['2', /changing\.ndjson: It has changed since it was checked, and rows of it are stored\. Import it once more/],
    ] as const) {
      const settings = elsewhere();
      const file = join(folder, 'changing.ndjson');
      const line = '{"namespace":"a","name":"b","timestamp":1,"value":1}\n';
      await writeFile(file, line.repeat(300_000));
      const said = await whileImporting(settings, file, () => {
        const opened = openSync(file, 'r+');
        writeSync(opened, change, line.length * 300_000 - 3);
        closeSync(opened);
      });
      expect(said).to.match(words);
      expect((await exported(settings)).length).to.be.greaterThan(0);
      expect(progressIn(settings)).to.equal(undefined);
    }
  });

  it('refuses by a sentence what makes no sense', async () => {
    const settings = elsewhere();
    expect(await refusal(settings, 'export', 'x.txt')).to.equal(
      'The name of x.txt does not tell its format: say --format ndjson, csv, lp, parquet.\n',
    );
    expect(await refusal(settings, 'export', 'x.csv', '--compression', 'zstd')).to.contain('zstd is for Parquet alone');
    expect(await refusal(settings, 'export', 'x.parquet.gz')).to.contain('leave out .gz');
    expect(await refusal(settings, 'export', '--from', 'soon')).to.match(/^Nothing was exported: --from must be UNIX/);
    expect(await refusal(settings, 'export', '--to', '2020')).to.match(
      /^Nothing was exported: --to must not be 2020 alone/,
    );
    expect(await refusal(settings, 'import', 'absent.csv')).to.match(/^absent\.csv cannot be read/);
    expect(await refusal(settings, 'copy', '--from', 'duckdb', '--to', 'duckdb')).to.contain('must differ');
    expect(await refusal(settings, 'copy', '--from', 'duckdb', '--to', 'influxdb')).to.match(
      /^To copy from duckdb to influxdb the settings of both are needed:\n- INFLUXDB_URL is required for InfluxDB\.\n/,
    );
  });

  it('says of which file it speaks, and what of it', async () => {
    const settings = elsewhere();
    const said = async (name: string, content: string): Promise<string> => {
      await writeFile(join(folder, name), content);
      return refusal(settings, 'import', join(folder, name));
    };
    expect(await said('none.parquet', 'no Parquet file')).to.equal(
      `${folder}/none.parquet: is cut off, damaged or no Parquet file (No magic bytes found). Nothing of it was stored.\n`,
    );
    expect(await said('empty.csv', '')).to.contain('empty.csv: is empty, and lacks the line that names the columns.');
    await writeFile(join(folder, 'empty.ndjson'), '');
    const { stderr } = await tracking(settings, 'import', join(folder, 'empty.ndjson'));
    expect(stderr).to.equal(`${folder}/empty.ndjson holds no events, and nothing was stored.\n`);
  });

  it('backs up all that was durable while events come in, and restores it to the last identity', async () => {
    const under = await ServiceProcess.start();
    await tracking({ DATA_DIR: under.dataDirectory }, 'import', await allOf());
    const before = await exported({ DATA_DIR: under.dataDirectory });
    let sent = 0;
    const load = new AbortController();
    const loading = (async () => {
      while (!load.signal.aborted) {
        const timestamp = new Date(Date.UTC(2020, 10, 12, 12, 0, 0, sent)).toISOString();
        await track(under, [{ namespace: 'Load', name: 'event', timestamp, value: sent, id: String(sent) }]);
        sent++;
      }
    })();
    while (sent < 3) await setTimeout(5);
    const certain = sent;
    const backup = join(folder, 'backup');
    await tracking({ DATA_DIR: under.dataDirectory }, 'backup', backup);
    load.abort();
    await loading;
    await under.stop();

    expect((await stat(backup)).mode & 0o777).to.equal(0o700);
    for (const name of ['manifest.json', 'points.parquet', 'registry.json']) {
      expect((await stat(join(backup, name))).mode & 0o777).to.equal(0o600);
    }
    const settings = elsewhere();
    await tracking(settings, 'restore', backup);
    const restored = await exported(settings);
    const ofLoad = restored.filter((line) => line.startsWith('Load'));
    expect(restored.filter((line) => !line.startsWith('Load'))).to.deep.equal(before);
    expect(ofLoad.length).to.be.within(certain, sent);

    expect(await refusal(settings, 'restore', backup)).to.match(/holds a registry of applications already/);
    expect(await refusal(beside(), 'restore', backup)).to.match(/is in use by process \d+/);
    expect(await refusal(settings, 'backup', backup)).to.contain('is there already');
  });

  it('keeps applications, their secrets and tokens over a backup', async () => {
    const issuer = { ISSUER_URL: 'http://tracking.test' };
    const first = await ServiceProcess.start(issuer);
    const added = await tracking({ DATA_DIR: first.dataDirectory }, 'application', 'add', 'Web shop', '--json');
    const { id, secret } = JSON.parse(added.stdout) as { id: string; secret: string };
    const token = await first.token();
    const backup = join(folder, 'registry-backup');
    await tracking({ DATA_DIR: first.dataDirectory }, 'backup', backup);
    await first.stop();
    const settings = elsewhere();
    await tracking(settings, 'restore', backup);
    const second = await ServiceProcess.start({ ...settings, ...issuer });
    const answer = await fetch(`${second.url}/o/token/`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id, client_secret: secret }),
    });
    expect(answer.status).to.equal(200);
    const discovery = await fetch(`${second.url}/api/events/`, { headers: { Authorization: `Bearer ${token}` } });
    expect(discovery.status).to.equal(200);
    await second.stop();
  });

  it('restores no backup that is not as it was written, and none into a store that has events', async () => {
    const backup = join(folder, 'damaged');
    const settings = elsewhere();
    const file = await allOf();
    await tracking(settings, 'import', file);
    await tracking(settings, 'backup', backup);
    const other = elsewhere();
    await tracking(other, 'import', file);
    expect(await refusal(other, 'restore', backup)).to.match(/events\.duckdb holds events already|holds a registry/);
    await appendFile(join(backup, 'points.parquet'), 'x');
    expect(await refusal(elsewhere(), 'restore', backup)).to.contain('points.parquet is not as it was written');
    expect(await refusal(elsewhere(), 'restore', folder)).to.contain('is no backup');
    expect(await readFile(join(backup, 'manifest.json'), 'utf8')).to.contain('"points": 303');
  });

  async function allOf(): Promise<string> {
    const file = join(temporaryFolder('all'), 'all.parquet');
    await tracking(beside(), 'export', file);
    return file;
  }
});

function withoutIdentity(line: string): string {
  return line.slice(0, line.lastIndexOf(' '));
}
