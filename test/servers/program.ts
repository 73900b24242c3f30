import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** A server that tests need, and how to get it. */
export interface Recipe {
  /** The name of the program, such as `influxd`. */
  readonly name: string;
  /** The version that is built where none is found. */
  readonly version: string;
  /** The environment variable that names the program's path. */
  readonly variable: string;
  /** What must be on PATH to build it, each with the Debian package that brings it. */
  readonly tools: Readonly<Record<string, string>>;
  /** Roughly how long a build takes, in words. */
  readonly duration: string;
  /** Whether a program of that name found on PATH will do. */
  readonly accepts: (program: string) => Promise<boolean>;
  /** Builds it in an empty folder and resolves to the program's path there. */
  readonly build: (folder: string) => Promise<string>;
}

/**
 * Finds the program: in the environment, on PATH, in the cache, and where it is nowhere builds it into the cache.
 * @throws Error with a sentence that says what is missing
 */
export async function getProgram(recipe: Recipe): Promise<string> {
  const named = process.env[recipe.variable];
  if (named !== undefined && named !== '') {
    if (isProgram(named)) return path.resolve(named);
    throw new Error(`${recipe.variable} names ${named}, which is no program. Correct it or leave it out.`);
  }
  const onPath = findOnPath(recipe.name);
  if (onPath !== undefined && (await recipe.accepts(onPath))) return onPath;
  const cached = path.join(cacheFolder(), `${recipe.name}-${recipe.version}`);
  if (!isProgram(cached)) await buildInto(cached, recipe);
  return cached;
}

/** Tells the person who waits; standard output is for results. */
export function report(message: string): void {
  process.stderr.write(`${message}\n`);
}

export interface RunOptions {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Runs a command to its end and resolves to what it wrote to standard output.
 * @throws Error with the end of what it wrote to standard error
 */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.folder,
      env: { ...process.env, ...options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(output);
      else {
        const end = complaints.trimEnd().split('\n').slice(-40).join('\n');
        reject(new Error(`${command} ${args.join(' ')} ended with ${String(code ?? signal)}:\n${end}`));
      }
    });
  });
}

/** The first program of that name on PATH. */
export function findOnPath(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .map((folder) => path.join(folder, name))
    .find(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function cacheFolder(): string {
  const cache = process.env.XDG_CACHE_HOME;
  return path.join(
    cache === undefined || cache === '' ? path.join(homedir(), '.cache') : cache,
    'tracking-api',
    'servers',
  );
}

/** Built beside its place and moved there when whole, so that nobody ever meets half a program. */
async function buildInto(place: string, recipe: Recipe): Promise<void> {
  requireTools(recipe);
  const parent = path.dirname(place);
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, 'build-'));
  const started = Date.now();
  report(`No ${recipe.name} here yet: building ${recipe.version}, once, ${recipe.duration} …`);
  try {
    renameSync(await recipe.build(folder), place);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  report(`Built ${place} in ${String(Math.round((Date.now() - started) / 1000))} s.`);
}

function requireTools(recipe: Recipe): void {
  const missing = Object.keys(recipe.tools).filter((tool) => findOnPath(tool) === undefined);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((tool) => recipe.tools[tool] ?? tool))];
  throw new Error(
    `There is no ${recipe.name} ${recipe.version} here, and building it needs ${missing.join(', ')}. ` +
      `On Debian: apt-get install ${packages.join(' ')}. Or name a program in ${recipe.variable}.`,
  );
}
