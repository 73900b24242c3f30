import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { findOnPath, getProgram, type Recipe, report, run } from './program.js';

const MODULE = 'github.com/influxdata/influxdb/v2/cmd/influxd';
const VERSION = '2.9.1';

/** Newer compilers turn the Flux library's `deny(warnings)` into errors, and RUSTFLAGS does not reach its build scripts. */
const RUSTC_WRAPPER = `#!/bin/sh
case " $* " in
  *" --cap-lints "*) exec "$@" ;;
  *) exec "$@" --cap-lints warn ;;
esac
`;

const recipe: Recipe = {
  name: 'influxd',
  version: VERSION,
  variable: 'INFLUXD',
  tools: {
    go: 'golang',
    gcc: 'gcc',
    rustc: 'rustc',
    cargo: 'cargo',
    clang: 'clang',
    'pkg-config': 'pkg-config',
    protoc: 'protobuf-compiler',
  },
  duration: 'about five minutes',
  accepts: isVersion2,
  build,
};

/**
 * The path of an `influxd` of InfluxDB 2: named in `INFLUXD`, found, or built.
 * @throws Error with a sentence that says what is missing
 */
export function getInfluxd(): Promise<string> {
  return getProgram(recipe);
}

async function isVersion2(program: string): Promise<boolean> {
  const version = await run(program, ['version'], { folder: '/' }).catch(() => '');
  return /^InfluxDB (?:v?2\.|dev)/.test(version);
}

async function build(folder: string): Promise<string> {
  const tools = path.join(folder, 'tools');
  const module = path.join(folder, 'module');
  mkdirSync(tools);
  mkdirSync(module);
  const wrapper = path.join(tools, 'rustc-wrapper');
  writeFileSync(wrapper, RUSTC_WRAPPER);
  chmodSync(wrapper, 0o755);
  const environment = {
    GOBIN: tools,
    GOFLAGS: '-mod=mod',
    PKG_CONFIG: path.join(tools, 'pkg-config'),
    RUSTC_WRAPPER: wrapper,
    ...(await installedToolchain(folder)),
  };
  const go = (...args: readonly string[]): Promise<string> => run('go', args, { folder: module, environment });

  report('  1/3 the wrapper around pkg-config');
  await go('install', 'github.com/influxdata/pkg-config@v0.2.14');
  report('  2/3 the sources of influxd');
  await go('mod', 'init', 'influxd-build');
  await go('get', '-tool', `${MODULE}@v${VERSION}`);
  report('  3/3 compiling');
  const program = path.join(folder, 'influxd');
  await go('build', '-ldflags', '-s -w', '-tags', 'sqlite_foreign_keys,sqlite_json', '-o', program, MODULE);
  return program;
}

/** The sources pin a Rust toolchain that is not there; rustup has to be told to use the one that is. */
async function installedToolchain(folder: string): Promise<Record<string, string>> {
  if (findOnPath('rustup') === undefined) return {};
  const active = await run('rustup', ['show', 'active-toolchain'], { folder });
  return { RUSTUP_TOOLCHAIN: active.split(/\s/)[0] ?? 'stable' };
}
