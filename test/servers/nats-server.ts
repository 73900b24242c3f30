import path from 'node:path';
import { getProgram, type Recipe, run } from './program.js';

const MODULE = 'github.com/nats-io/nats-server/v2';
const VERSION = '2.15.2';

const recipe: Recipe = {
  name: 'nats-server',
  version: VERSION,
  variable: 'NATS_SERVER',
  tools: { go: 'golang' },
  duration: 'under a minute',
  accepts: isNewEnough,
  build,
};

/**
 * The path of a `nats-server`: named in `NATS_SERVER`, found, or built.
 * @throws Error with a sentence that says what is missing
 */
export function getNatsServer(): Promise<string> {
  return getProgram(recipe);
}

/** 2.12 brought atomic batches. */
async function isNewEnough(program: string): Promise<boolean> {
  const version = await run(program, ['--version'], { folder: '/' }).catch(() => '');
  const [, minor] = /v2\.(\d+)\./.exec(version) ?? [];
  return Number(minor) >= 12;
}

async function build(folder: string): Promise<string> {
  const environment = { GOBIN: folder, GOFLAGS: '-mod=mod' };
  await run('go', ['install', '-ldflags', '-s -w', `${MODULE}@v${VERSION}`], { folder, environment });
  return path.join(folder, 'nats-server');
}
