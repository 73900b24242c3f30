import path from 'node:path';
import { getProgram, type Recipe, run } from './program.js';

const MODULE = 'github.com/Shopify/toxiproxy/v2/cmd/server';
const VERSION = '2.5.0';

const recipe: Recipe = {
  name: 'toxiproxy-server',
  version: VERSION,
  variable: 'TOXIPROXY_SERVER',
  tools: { go: 'golang' },
  duration: 'about half a minute',
  accepts: isVersion2,
  build,
};

/**
 * The path of a `toxiproxy-server`: named in `TOXIPROXY_SERVER`, found, or built.
 * @throws Error with a sentence that says what is missing
 */
export function getToxiproxy(): Promise<string> {
  return getProgram(recipe);
}

async function isVersion2(program: string): Promise<boolean> {
  const version = await run(program, ['-version'], { folder: '/' }).catch(() => '');
  return /^toxiproxy-server version (?:2\.|git)/.test(version);
}

async function build(folder: string): Promise<string> {
  await run('go', ['install', `${MODULE}@v${VERSION}`], { folder, environment: { GOBIN: folder } });
  return path.join(folder, 'server');
}
