import { hash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../lib/config.js';
import { getProgram, run } from '../servers/program.js';

const PYTHON = 'influxdb-client==1.50.0';
const GO = 'github.com/influxdata/influxdb-client-go/v2@v2.14.0';
const TELEGRAF = 'github.com/influxdata/telegraf/cmd/telegraf@v1.37.2';

/** Of Telegraf's hundreds of plugins, those that a test uses: with all of them it would take an hour. */
const PLUGINS = ['inputs.cpu', 'inputs.mem', 'inputs.system', 'outputs.influxdb', 'outputs.influxdb_v2'];

/** Our program around InfluxDB's client for Python, as one file. */
export function getPythonClient(): Promise<string> {
  const source = sourceOf('influxdb-client.py');
  return getProgram({
    name: 'influxdb-client-python',
    version: versionOf('1.50.0', source),
    variable: 'INFLUXDB_CLIENT_PYTHON',
    tools: { python3: 'python3', pip: 'python3-pip' },
    duration: 'a few seconds',
    accepts: () => Promise.resolve(false),
    build: async (folder) => {
      const program = path.join(folder, 'program');
      await run('python3', ['-m', 'pip', 'install', '--quiet', '--no-compile', '--target', program, PYTHON], {
        folder,
      });
      copyFileSync(source, path.join(program, '__main__.py'));
      await run('python3', ['-m', 'zipapp', 'program', '-p', '/usr/bin/env python3', '-o', 'client'], { folder });
      return path.join(folder, 'client');
    },
  });
}

/** Our program around InfluxDB's client for Go. */
export function getGoClient(): Promise<string> {
  const source = sourceOf('influxdb-client.go');
  return getProgram({
    name: 'influxdb-client-go',
    version: versionOf('2.14.0', source),
    variable: 'INFLUXDB_CLIENT_GO',
    tools: { go: 'golang' },
    duration: 'under a minute',
    accepts: () => Promise.resolve(false),
    build: async (folder) => {
      copyFileSync(source, path.join(folder, 'main.go'));
      await run('go', ['mod', 'init', 'client'], { folder });
      await run('go', ['get', GO], { folder });
      await run('go', ['build', '-o', 'client'], { folder });
      return path.join(folder, 'client');
    },
  });
}

/** Telegraf with a few of its plugins. */
export function getTelegraf(): Promise<string> {
  return getProgram({
    name: 'telegraf',
    version: '1.37.2',
    variable: 'TELEGRAF',
    tools: { go: 'golang' },
    duration: 'about five minutes',
    accepts: async (program) =>
      (await run(program, ['--version'], { folder: '/' }).catch(() => '')).startsWith('Telegraf'),
    build: async (folder) => {
      const module = path.join(folder, 'module');
      mkdirSync(module);
      const inside = { folder: module };
      await run('go', ['mod', 'init', 'telegraf'], inside);
      await run('go', ['get', '-tool', TELEGRAF], inside);
      const tags = ['custom', ...PLUGINS].join(',');
      const [main = ''] = TELEGRAF.split('@');
      await run('go', ['build', '-ldflags', '-s -w', '-tags', tags, '-o', '../telegraf', main], inside);
      return path.join(folder, 'telegraf');
    },
  });
}

function sourceOf(file: string): string {
  return path.join(PACKAGE_FOLDER, 'test', 'clients', file);
}

/** Another program for another source. */
function versionOf(library: string, source: string): string {
  return `${library}-${hash('sha256', readFileSync(source)).slice(0, 8)}`;
}
