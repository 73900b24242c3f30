import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Load } from 'config/lib/util.js';
import { type CheckedSettings, schemaOf, type Variables } from './config-schema.js';
import { TrackingError } from './errors.js';

/** The settings, checked and complete; `config/default.json5` and `sample.env` explain each. */
export interface Settings {
  readonly environmentType: 'DEBUG' | 'PRODUCTION';
  readonly http: { readonly host: string; readonly port: number; readonly issuerUrl: string | null };
  readonly log: { readonly level: 'error' | 'warn' | 'info' | 'debug' };
  readonly data: { readonly directory: string };
  readonly store: 'duckdb' | 'influxdb';
  readonly duckdb: { readonly path: string };
  readonly influxdb: InfluxDBSettings | null;
  readonly queue: 'none' | 'nats';
  readonly nats: NatsSettings | null;
  readonly ingest: {
    readonly maxWaitingEvents: number;
    readonly maxPendingMegabytes: number;
    readonly timeoutSeconds: number;
  };
  readonly lineProtocol: { readonly strings: 'refuse' | 'drop' };
  /** Which attributes of OpenTelemetry become tags; null: all. */
  readonly opentelemetry: { readonly resourceTags: readonly string[]; readonly tags: readonly string[] | null };
  /** Seconds; null for ever. */
  readonly retention: { readonly seconds: number | null; readonly checkMinutes: number };
  /** Attributes of CloudEvents such as `source`, or paths such as `data.order.total`; the value is a path in `data`. */
  readonly cloudEvents: {
    readonly namespace: string;
    readonly name: string;
    readonly value: string;
    readonly tags: readonly string[];
  };
  readonly bootstrap: { readonly clientId: string; readonly clientSecret: string } | null;
}

export interface InfluxDBSettings {
  readonly url: string;
  readonly token: string;
  readonly org: string;
  readonly bucket: string;
}

export interface NatsSettings {
  readonly url: string;
  readonly monitorUrl: string | null;
  readonly stream: string;
  readonly replicas: 1 | 3 | 5;
}

/** The folder of this package: above `lib/`, or above `dist/lib/` once compiled. */
export const PACKAGE_FOLDER = packageFolder();

function packageFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const above = join(here, '..');
  return existsSync(join(above, 'package.json')) ? above : join(above, '..');
}

/** What is said of settings that are not right. */
export interface SettingsPurpose {
  /** In place of the store that is set, for what needs two of them. */
  readonly store?: Settings['store'];
  /** What cannot be done with them, as a sentence that ends with a colon. */
  readonly refusal?: string;
}

/**
 * Reads the settings: `config/default.json5`, then files beside it as the `config` package has them (`local.json5`,
 * `production.json5` with NODE_ENV=production), then environment variables; an empty one counts as not set.
 * @throws TrackingError `invalid` with a sentence for each mistake
 */
export function readSettings({ store, refusal = REFUSAL }: SettingsPurpose = {}): Settings {
  const { NODE_CONFIG_DIR: folder = join(PACKAGE_FOLDER, 'config'), NODE_ENV: environment = 'development' } =
    process.env;
  const load = new Load({ configDir: folder, nodeEnv: [environment] });
  load.scan();
  const given = store === undefined ? load.config : { ...load.config, store };
  const result = schemaOf(readVariables(folder)).validate(given, {
    abortEarly: false,
    errors: { wrap: { label: false } },
  });
  if (result.error !== undefined) {
    const sentences = result.error.details.map(({ message }) => `- ${message}.`);
    throw new TrackingError('invalid', [refusal, ...sentences].join('\n'));
  }
  return complete(result.value as CheckedSettings);
}

/**
 * Puts the settings of a file such as `.env` into the environment, where they are not set already.
 * @param path - a file that need not exist; a line each, NAME=VALUE, blank or beginning with #
 * @throws TrackingError `invalid` for a line that is none of these, and for names that are no settings
 */
export function loadEnvironmentFile(path: string): void {
  if (!existsSync(path)) return;
  const known = namesOf(readVariables(join(PACKAGE_FOLDER, 'config')));
  const mistakes = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (/^\s*(#|$)/.test(line)) return [];
      const name = /^\s*(?:export\s+)?(\w+)\s*=/.exec(line)?.[1];
      if (name === undefined) return `- Line ${index + 1} of ${path} is no NAME=VALUE.`;
      // The agent looks at its own.
      return known.includes(name) || name.startsWith('TRACKING_AGENT_')
        ? []
        : `- ${name} in line ${index + 1} of ${path} is no setting; sample.env lists them all.`;
    });
  if (mistakes.length > 0) throw new TrackingError('invalid', [REFUSAL, ...mistakes].join('\n'));
  process.loadEnvFile(path);
}

const REFUSAL = 'These settings are not right:';

function namesOf(variables: object): string[] {
  return Object.values(variables).flatMap((value: unknown) =>
    typeof value === 'string' ? value : typeof value === 'object' && value !== null ? namesOf(value) : [],
  );
}

/** Which environment variable sets which setting, so that sentences name what people have to change. */
function readVariables(folder: string): Variables {
  const load = new Load({ configDir: folder, nodeEnv: [] });
  load.loadFile(join(folder, 'custom-environment-variables.json5'));
  return load.config as Variables;
}

function complete(settings: CheckedSettings): Settings {
  const directory = resolve(settings.data.directory);
  return {
    ...settings,
    data: { directory },
    duckdb: { path: resolve(settings.duckdb.path ?? join(directory, 'events.duckdb')) },
    influxdb: settings.store === 'influxdb' ? (settings.influxdb as InfluxDBSettings) : null,
    nats: settings.queue === 'nats' ? settings.nats : null,
    bootstrap: settings.bootstrap.clientId === null ? null : (settings.bootstrap as Settings['bootstrap']),
  };
}
