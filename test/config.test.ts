import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { PACKAGE_FOLDER, loadEnvironmentFile, readSettings } from '../lib/config.js';
import { temporaryFolder } from './servers/lifetime.js';

/** The settings under these environment variables and no others of ours. */
function settingsUnder(variables: Readonly<Record<string, string>>): ReturnType<typeof readSettings> {
  const before = { ...process.env };
  for (const name of OURS) process.env[name] = '';
  Object.assign(process.env, variables);
  try {
    return readSettings();
  } finally {
    for (const name of OURS) process.env[name] = before[name] ?? '';
  }
}

const MAPPING = readFileSync(path.join(PACKAGE_FOLDER, 'config', 'custom-environment-variables.json5'), 'utf8');
const OURS = [...MAPPING.matchAll(/'([A-Z_]+)'/g)].flatMap(([, name]) => name ?? []);

function mistakesUnder(variables: Readonly<Record<string, string>>): string[] {
  try {
    settingsUnder(variables);
  } catch (error) {
    if (error instanceof Error) return error.message.split('\n').slice(1);
  }
  return [];
}

describe('the settings', () => {
  it('are all in sample.env, and nothing else is', () => {
    const sample = readFileSync(path.join(PACKAGE_FOLDER, 'sample.env'), 'utf8');
    const listed = [...sample.matchAll(/^#?([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(listed).to.have.members(OURS);
  });

  it('are complete without any', () => {
    expect(settingsUnder({})).to.deep.equal({
      environmentType: 'DEBUG',
      http: { host: '127.0.0.1', port: 8000, issuerUrl: null },
      log: { level: 'info' },
      data: { directory: path.resolve('data') },
      store: 'duckdb',
      duckdb: { path: path.resolve('data/events.duckdb') },
      influxdb: null,
      queue: 'none',
      nats: null,
      ingest: { maxWaitingEvents: 100_000, maxPendingMegabytes: 64, timeoutSeconds: 20 },
      lineProtocol: { strings: 'refuse' },
      opentelemetry: { resourceTags: ['host.name', 'service.instance.id'], tags: null },
      retention: { seconds: null, checkMinutes: 60 },
      cloudEvents: { namespace: 'source', name: 'type', value: 'value', tags: ['*'] },
      bootstrap: null,
    });
  });

  it('come from environment variables', () => {
    const settings = settingsUnder({
      STORE: 'influxdb',
      INFLUXDB_URL: 'http://localhost:8086',
      INFLUXDB_TOKEN: 't',
      INFLUXDB_ORG: 'o',
      INFLUXDB_BUCKET: 'b',
      PORT: '9000',
      BOOTSTRAP_CLIENT_ID: 'me',
      BOOTSTRAP_CLIENT_SECRET: 'secret',
    });
    expect(settings.influxdb).to.deep.equal({ url: 'http://localhost:8086', token: 't', org: 'o', bucket: 'b' });
    expect(settings.http.port).to.equal(9000);
    expect(settings.bootstrap).to.deep.equal({ clientId: 'me', clientSecret: 'secret' });
  });

  it('choose which attributes of OpenTelemetry become tags', () => {
    const { opentelemetry } = settingsUnder({ OTLP_RESOURCE_TAGS: 'k8s.pod.name', OTLP_TAGS: 'http.route, state' });
    expect(opentelemetry).to.deep.equal({ resourceTags: ['k8s.pod.name'], tags: ['http.route', 'state'] });
  });

  it('say every mistake in a sentence that names the variable', () => {
    expect(
      mistakesUnder({
        PORT: 'abc',
        LOG_LEVEL: 'loud',
        STORE: 'influxdb',
        INFLUXDB_URL: 'here',
        BOOTSTRAP_CLIENT_ID: 'x',
      }),
    ).to.deep.equal([
      '- PORT must be a number from 0 to 65535, not "abc".',
      '- LOG_LEVEL must be one of [error, warn, info, debug], not "loud".',
      '- INFLUXDB_URL must be an address such as http://localhost:8086, not "here".',
      '- INFLUXDB_TOKEN is required for InfluxDB.',
      '- INFLUXDB_ORG is required for InfluxDB.',
      '- INFLUXDB_BUCKET is required for InfluxDB.',
      '- BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET must be set both, or neither.',
    ]);
  });

  it('come from a file too, which is read whole or not at all', () => {
    const file = path.join(temporaryFolder('settings'), '.env');
    writeFileSync(file, '# ours\n\nTRACKING_UNKNOWN=1\nthis is not a setting\nexport PORT=8003\n');
    expect(() => {
      loadEnvironmentFile(file);
    }).to.throw(
      /TRACKING_UNKNOWN in line 3 of \S+ is no setting; sample\.env lists them all\.\n- Line 4 of \S+ is no NAME=VALUE\.$/,
    );
    expect(() => {
      loadEnvironmentFile(`${file}.absent`);
    }).not.to.throw();
  });
});
