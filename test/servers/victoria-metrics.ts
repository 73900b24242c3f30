import path from 'node:path';
import { temporaryFolder } from './lifetime.js';
import { freePort, ServerProcess } from './process.js';
import { getProgram, type Recipe, run } from './program.js';

const MODULE = 'github.com/VictoriaMetrics/VictoriaMetrics/app/victoria-metrics';
const VERSION = '1.146.0';

const recipe: Recipe = {
  name: 'victoria-metrics',
  version: VERSION,
  variable: 'VICTORIA_METRICS',
  tools: { go: 'golang', gcc: 'gcc' },
  duration: 'about two minutes',
  // Debian's is too old to take OTLP, and tells no version.
  accepts: () => Promise.resolve(false),
  build,
};

/**
 * The path of a `victoria-metrics` that takes OTLP: named in `VICTORIA_METRICS`, or built.
 * @throws Error with a sentence that says what is missing
 */
function getVictoriaMetrics(): Promise<string> {
  return getProgram(recipe);
}

async function build(folder: string): Promise<string> {
  await run('go', ['install', '-ldflags', '-s -w', `${MODULE}@v${VERSION}`], {
    folder,
    environment: { GOBIN: folder },
  });
  return path.join(folder, 'victoria-metrics');
}

/** Starts a VictoriaMetrics with an empty folder. */
export async function startVictoriaMetrics(): Promise<{ readonly url: string; readonly pid: number | undefined }> {
  const program = await getVictoriaMetrics();
  const folder = temporaryFolder('victoria-metrics');
  const address = `127.0.0.1:${await freePort()}`;
  const server = ServerProcess.spawn(
    program,
    [`-storageDataPath=${path.join(folder, 'data')}`, `-httpListenAddr=${address}`],
    path.join(folder, 'victoria-metrics.log'),
  );
  await server.ready(async () => {
    if (!(await fetch(`http://${address}/health`)).ok) throw new Error('Not ready.');
  });
  return { url: `http://${address}`, pid: server.pid };
}
