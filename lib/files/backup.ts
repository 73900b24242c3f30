import { mkdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import Joi from 'joi';
import { messageOf, TrackingError } from '../errors.js';
import type { RegistryContent } from '../registry.js';
import type { Totals } from '../tally.js';
import { codeOf } from './folder.js';
import { hashOfFile, partOf, syncFolder, writeWhole } from './whole-file.js';

const POINTS = 'points.parquet';
const REGISTRY = 'registry.json';
const MANIFEST = 'manifest.json';
const PRIVATE_FILE = 0o600;

/** What a backup says about itself. */
export interface Manifest {
  readonly version: 1;
  /** RFC 3339: from when on events may be missing. */
  readonly createdAt: string;
  /** The release that made it. */
  readonly release: string;
  readonly store: 'duckdb' | 'influxdb';
  readonly totals: Totals;
  readonly applications: number;
  /** SHA-256 of each file. */
  readonly files: { readonly points: string; readonly registry: string };
}

const text = Joi.string().required();
const digest = Joi.string().hex().length(64).required();
const manifestSchema = Joi.object<Manifest>({
  version: Joi.number().valid(1).required(),
  createdAt: text,
  release: text,
  store: Joi.valid('duckdb', 'influxdb').required(),
  totals: Joi.object({
    points: Joi.number().integer().min(0).required(),
    // JSON has no infinite numbers, which a sum may come to.
    sum: Joi.number().unsafe().allow(null).required(),
    checksum: Joi.string().hex().length(16).required(),
  }).required(),
  applications: Joi.number().integer().min(0).required(),
  files: Joi.object({ points: digest, registry: digest }).required(),
}).prefs({ convert: false });

/** What goes into a backup beside the points. */
export interface BackupParts {
  readonly registry: RegistryContent;
  /** Writes the points, and resolves to what they come to. */
  points(output: NodeJS.WritableStream): Promise<Totals>;
  readonly about: Pick<Manifest, 'createdAt' | 'release' | 'store'>;
}

/**
 * Writes a backup: a directory that only its owner may look into, which has its name only when it is whole and on disk.
 * @throws TrackingError `unprocessable` where there is something of that name already, `unavailable` where it cannot be
 *   written
 */
export async function writeBackup(path: string, parts: BackupParts): Promise<Manifest> {
  const whole = resolve(path);
  if (await exists(whole)) {
    throw new TrackingError('unprocessable', `${path} is there already. Name a directory that is not there yet.`);
  }
  const part = partOf(whole);
  try {
    await mkdir(part, { recursive: true, mode: 0o700 });
    const manifest = await writeParts(part, parts);
    await rename(part, whole);
    await syncFolder(dirname(whole));
    return manifest;
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    throw error instanceof TrackingError
      ? error
      : new TrackingError('unavailable', `${path} could not be written: ${messageOf(error)}.`, { cause: error });
  }
}

async function writeParts(folder: string, parts: BackupParts): Promise<Manifest> {
  await writeText(join(folder, REGISTRY), parts.registry);
  let totals: Totals | undefined;
  await writeWhole(join(folder, POINTS), PRIVATE_FILE, async (output) => {
    totals = await parts.points(output);
  });
  if (totals === undefined) throw new TypeError('The points were not written.');
  const manifest: Manifest = {
    version: 1,
    ...parts.about,
    totals,
    applications: parts.registry.applications.length,
    files: { points: await hashOfFile(join(folder, POINTS)), registry: await hashOfFile(join(folder, REGISTRY)) },
  };
  await writeText(join(folder, MANIFEST), manifest);
  return manifest;
}

function writeText(path: string, content: unknown): Promise<void> {
  return writeWhole(path, PRIVATE_FILE, async (output) => {
    await new Promise<void>((done) => {
      output.write(`${JSON.stringify(content, undefined, 2)}\n`, () => {
        done();
      });
    });
  });
}

/** A backup that was found whole. */
export interface Backup {
  readonly manifest: Manifest;
  readonly registry: RegistryContent;
  /** The file of the points. */
  readonly points: string;
}

/**
 * Reads a backup, and compares every byte with what its manifest says.
 * @throws TrackingError `invalid` where it is none, or is damaged
 */
export async function openBackup(path: string): Promise<Backup> {
  const manifest = await readManifest(path);
  for (const [name, digest] of [
    [POINTS, manifest.files.points],
    [REGISTRY, manifest.files.registry],
  ] as const) {
    if ((await hashOfFile(join(path, name))) !== digest) {
      throw new TrackingError('invalid', `${join(path, name)} is not as it was written: its SHA-256 is another one.`);
    }
  }
  const registry = JSON.parse(await readFile(join(path, REGISTRY), 'utf8')) as RegistryContent;
  return { manifest, registry, points: join(path, POINTS) };
}

async function readManifest(path: string): Promise<Manifest> {
  const file = join(path, MANIFEST);
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new TrackingError('invalid', `${path} is no backup: ${file} cannot be read (${messageOf(error)}).`);
  }
  const result = manifestSchema.validate(json);
  if (result.error === undefined) return result.value;
  throw new TrackingError('invalid', `${file} is damaged, or of another release: ${result.error.message}.`);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    },
  );
}
