import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

type Action = (failed: boolean) => void;

const actions: Action[] = [];

/** Runs the action, which cannot wait for anything, when this process ends; the last one given runs first. */
export function atEnd(action: Action): void {
  if (actions.length === 0) watchEnd();
  actions.push(action);
}

let runFolder: string | undefined;

/**
 * Makes a temporary folder. It goes when this process ends well; when a test failed it stays, beside those of the other
 * tests of this run, and their path is printed.
 * @param purpose - a word for its name
 */
export function temporaryFolder(purpose: string): string {
  runFolder ??= makeRunFolder();
  return mkdtempSync(path.join(runFolder, `${purpose}-`));
}

function makeRunFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'tracking-test-'));
  atEnd((failed) => {
    if (failed) console.error(`The data of this run is kept for you to look into: ${folder}`);
    else rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  return folder;
}

function watchEnd(): void {
  process.on('exit', end);
  // Mocha tells the exit code in an `exit` listener of its own, added when the last test is done. Step behind it.
  process.once('beforeExit', () => {
    process.off('exit', end);
    process.on('exit', end);
  });
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => process.exit(code));
  }
  // Mocha stops after the test under way when it is interrupted; elsewhere nobody listens.
  if (process.listenerCount('SIGINT') === 0) process.once('SIGINT', () => process.exit(130));
}

function end(): void {
  const failed = process.exitCode !== undefined && process.exitCode !== 0;
  for (let action = actions.pop(); action !== undefined; action = actions.pop()) action(failed);
}
