import { chmod, open, readFile, rename } from 'node:fs/promises';
import Joi from 'joi';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { SCOPES } from '../access.js';
import { messageOf, TrackingError } from '../errors.js';
import type { Application, Registry, RegistryContent, Retention } from '../registry.js';
import { codeOf, Folder } from './folder.js';

const FILE = 'registry.json';

interface Content extends RegistryContent {
  readonly version: 1;
}

const EMPTY: Content = { version: 1, applications: [], signingKeys: [], retentions: [] };

const contentSchema = Joi.object<Content>({
  version: Joi.number().valid(1).required(),
  applications: Joi.array()
    .items(
      Joi.object({
        id: Joi.string().required(),
        name: Joi.string().required(),
        secretHash: Joi.string().required(),
        scopes: Joi.array()
          .items(Joi.string().valid(...SCOPES))
          .required(),
        namespaces: Joi.array().items(Joi.string()).required(),
        createdAt: Joi.string().required(),
      }),
    )
    .unique('id')
    .required(),
  signingKeys: Joi.array()
    .items(
      Joi.object({
        kty: Joi.valid('EC').required(),
        crv: Joi.valid('P-256').required(),
        x: Joi.string().required(),
        y: Joi.string().required(),
        d: Joi.string().required(),
        kid: Joi.string().required(),
        alg: Joi.valid('ES256').required(),
        use: Joi.valid('sig').required(),
      }),
    )
    .required(),
  // Files of earlier releases have none.
  retentions: Joi.array()
    .items(Joi.object({ namespaces: Joi.string().required(), seconds: Joi.number().positive().required() }))
    .unique('namespaces')
    .default([]),
}).prefs({ convert: false });

/**
 * The registry of one process: `registry.json` in the data directory, mode 0600. Whoever opens it holds the lock of the
 * directory, so the file is read once and replaced whole at every change.
 */
export class FileRegistry implements Registry {
  private changing: Promise<unknown> = Promise.resolve();
  private closed = false;

  private constructor(
    private readonly folder: Folder,
    private content: Content,
  ) {}

  /** @throws TrackingError `unavailable` where the file cannot be read or is damaged */
  static async open(directory: string): Promise<FileRegistry> {
    const folder = await Folder.open(directory);
    try {
      return new FileRegistry(folder, await readContent(folder));
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  /**
   * Writes the file of a directory that has none, out of a backup.
   * @throws TrackingError `unprocessable` where there is one, `unavailable` where the content is damaged or cannot be
   *   written
   */
  static async create(directory: string, content: RegistryContent): Promise<void> {
    const registry = await FileRegistry.open(directory);
    try {
      if (registry.content !== EMPTY) throw presentError(directory);
      await registry.replace(check('The registry of the backup', { version: 1, ...content }));
    } finally {
      await registry.close();
    }
  }

  /** @throws TrackingError `unprocessable` where the directory has a registry */
  static async refuseToReplace(directory: string): Promise<void> {
    const registry = await FileRegistry.open(directory);
    await registry.close();
    if (registry.content !== EMPTY) throw presentError(directory);
  }

  applications(): Promise<readonly Application[]> {
    if (this.closed) return Promise.reject(closedError());
    return Promise.resolve(this.content.applications);
  }

  addApplication(application: Application): Promise<void> {
    return this.change(async () => {
      if (this.content.applications.some(({ id }) => id === application.id)) {
        throw new TrackingError('unprocessable', `There is an application ${application.id} already.`);
      }
      await this.replace({ ...this.content, applications: [...this.content.applications, application] });
    });
  }

  removeApplication(id: string): Promise<boolean> {
    return this.change(async () => {
      const applications = this.content.applications.filter((application) => application.id !== id);
      if (applications.length === this.content.applications.length) return false;
      await this.replace({ ...this.content, applications });
      return true;
    });
  }

  retentions(): Promise<readonly Retention[]> {
    if (this.closed) return Promise.reject(closedError());
    return Promise.resolve(this.content.retentions);
  }

  setRetention(retention: Retention): Promise<void> {
    return this.change(() =>
      this.replace({ ...this.content, retentions: [...this.withoutRetention(retention), retention] }),
    );
  }

  removeRetention(namespaces: string): Promise<boolean> {
    return this.change(async () => {
      const retentions = this.withoutRetention({ namespaces });
      if (retentions.length === this.content.retentions.length) return false;
      await this.replace({ ...this.content, retentions });
      return true;
    });
  }

  signingKeys(): Promise<readonly JWK[]> {
    return this.change(async () => {
      if (this.content.signingKeys.length === 0) {
        await this.replace({ ...this.content, signingKeys: [await generateSigningKey()] });
      }
      return this.content.signingKeys;
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.changing;
    await this.folder.close();
  }

  private withoutRetention({ namespaces }: Pick<Retention, 'namespaces'>): Retention[] {
    return this.content.retentions.filter((retention) => retention.namespaces !== namespaces);
  }

  /** One change after another, each on top of what the one before left. */
  private change<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.closed) return Promise.reject(closedError());
    const done = this.changing.then(work);
    this.changing = done.catch(() => undefined);
    return done;
  }

  private async replace(content: Content): Promise<void> {
    try {
      await replaceFile(this.folder, FILE, `${JSON.stringify(content, undefined, 2)}\n`);
    } catch (error) {
      throw new TrackingError(
        'unavailable',
        `${this.folder.file(FILE)} could not be written: ${messageOf(error)}. Nothing was changed.`,
        { cause: error },
      );
    }
    this.content = content;
  }
}

function closedError(): TrackingError {
  return new TrackingError('unavailable', 'The registry of applications is closed.', { retryAfter: 5 });
}

async function readContent(folder: Folder): Promise<Content> {
  const path = folder.file(FILE);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new TrackingError('unavailable', `${path} cannot be read: ${messageOf(error)}.`, { cause: error });
  });
  if (text === undefined) return EMPTY;
  // It may have come out of a copy or a backup that other users could read.
  await chmod(path, 0o600);
  return parse(path, text);
}

/** A damaged file is never taken for an empty one: every application would be gone at the next change. */
function parse(path: string, text: string): Content {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message would quote the file, and so a key.
    throw damagedError(path, 'it is not JSON');
  }
  return check(path, json);
}

function check(path: string, json: unknown): Content {
  const result = contentSchema.validate(json);
  if (result.error !== undefined) throw damagedError(path, result.error.message);
  return result.value;
}

function presentError(directory: string): TrackingError {
  return new TrackingError(
    'unprocessable',
    `${directory} (DATA_DIR) holds a registry of applications already, so nothing can be restored there. Name an empty or a new directory.`,
  );
}

function damagedError(path: string, reason: string): TrackingError {
  return new TrackingError(
    'unavailable',
    `${path} is damaged: ${reason}. Put back a copy of it, or move it away to start anew; then every application has to be registered again.`,
  );
}

/** After a kill at any moment the file is wholly the old one or wholly the new one; resolved means durable. */
async function replaceFile(folder: Folder, name: string, text: string): Promise<void> {
  const file = await open(folder.file(`${name}.new`), 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(folder.file(`${name}.new`), folder.file(name));
  await folder.sync();
}

async function generateSigningKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const key = await exportJWK(privateKey);
  return { ...key, kid: await calculateJwkThumbprint(key), alg: 'ES256', use: 'sig' };
}
