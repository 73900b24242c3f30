import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Access, TrackingClient } from '../client.js';
import { printDelays } from './ask.js';
import { checkFlights } from './check.js';
import { loadFlights } from './load.js';

/**
 * Sends three million flights to the service that runs on this machine (`npm start`), and asks for their delays.
 * Another service: TRACKING_URL, CLIENT_ID and CLIENT_SECRET. `--no-ids` sends the flights without an identity, `--check`
 * compares every answer with DuckDB's own SQL over the file.
 */
async function main(options: readonly string[]): Promise<void> {
  const borrowed = await findAccess();
  try {
    const client = new TrackingClient(borrowed.access);
    const seconds = await loadFlights(client, options.includes('--no-ids') ? 'none' : 'row');
    console.log(`sent in ${seconds.toFixed(1)} s`);
    await printDelays(client);
    if (options.includes('--check')) await checkFlights(client);
  } finally {
    await borrowed.done();
  }
}

interface Borrowed {
  readonly access: Access;
  /** Gives back what was borrowed. */
  done(): Promise<void>;
}

async function findAccess(): Promise<Borrowed> {
  const { TRACKING_URL, CLIENT_ID, CLIENT_SECRET, PORT = '8000' } = process.env;
  const url = TRACKING_URL ?? `http://localhost:${PORT}`;
  if (!(await isRunning(url)))
    throw new Error(`No service answers at ${url}. Run "npm start" in another terminal first.`);
  if (CLIENT_ID !== undefined && CLIENT_SECRET !== undefined) {
    return { access: { url, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }, done: () => Promise.resolve() };
  }
  const added = await tracking('application', 'add', 'flights-example', '--namespaces', 'Flights', '--json');
  const { id, secret } = JSON.parse(added) as { id: string; secret: string };
  return {
    access: { url, clientId: id, clientSecret: secret },
    done: async () => {
      await tracking('application', 'remove', id);
    },
  };
}

async function isRunning(url: string): Promise<boolean> {
  const response = await fetch(`${url}/health`).catch(() => undefined);
  return response?.ok ?? false;
}

/** Runs the command line, which reaches the running service through its data directory. */
async function tracking(...command: string[]): Promise<string> {
  const cli = fileURLToPath(new URL('../../lib/cli.js', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...command]);
  return stdout;
}

await main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
