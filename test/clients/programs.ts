import { hash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PACKAGE_FOLDER } from '../../lib/config.js';
import { getProgram, run } from '../servers/program.js';

const GO = 'github.com/influxdata/influxdb-client-go/v2@v2.14.0';
const TELEGRAF = 'github.com/influxdata/telegraf/cmd/telegraf@v1.37.2';

/** Of Telegraf's hundreds of plugins, those that a test uses: with all of them it would take an hour. */
const PLUGINS = ['inputs.cpu', 'inputs.mem', 'inputs.system', 'outputs.influxdb', 'outputs.influxdb_v2'];

/** Our program around InfluxDB's client for Python. */
export function getPythonClient(): Promise<string> {
  return getPythonProgram('influxdb-client', '1.50.0', ['influxdb-client']);
}

/** Our program around the OpenTelemetry SDK for Python. */
export function getOpenTelemetryForPython(): Promise<string> {
  return getPythonProgram('opentelemetry-client', '1.45.2', [
    'opentelemetry-sdk',
    'opentelemetry-exporter-otlp-proto-http',
  ]);
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

/** A program of ours in Python and the packages that it uses, as one file. */
function getPythonProgram(name: string, version: string, packages: readonly string[]): Promise<string> {
  const source = sourceOf(`${name}.py`);
  const pinned = packages.map((one) => `${one}==${version}`);
  return getProgram({
    name: `${name}-python`,
    version: versionOf(version, source),
    variable: `${name}_python`.replaceAll('-', '_').toUpperCase(),
    tools: { python3: 'python3', pip: 'python3-pip' },
    duration: 'a few seconds',
    accepts: () => Promise.resolve(false),
    build: async (folder) => {
      const program = path.join(folder, 'program');
      const install = ['-m', 'pip', 'install', '--quiet', '--no-compile', '--target', program, ...pinned];
      await run('python3', install, { folder });
      copyFileSync(source, path.join(program, '__main__.py'));
      await run('python3', ['-m', 'zipapp', 'program', '-p', '/usr/bin/env python3', '-o', 'client'], { folder });
      return path.join(folder, 'client');
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
