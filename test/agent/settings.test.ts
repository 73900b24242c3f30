import { hostname } from 'node:os';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import {
  type AgentInput,
  type AgentSettings,
  readAgentSettings,
  SETTING_NAMES,
  variableOf,
} from '../../lib/agent/settings.js';
import { loadEnvironmentFile, PACKAGE_FOLDER } from '../../lib/config.js';
import { temporaryFolder } from '../servers/lifetime.js';

const NEEDED = { url: 'https://tracking.example.org', clientId: 'web-1', clientSecret: 'secret' };

function mistakesIn(flags: AgentInput, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    readAgentSettings(flags, environment);
  } catch (error) {
    if (error instanceof Error) return error.message.split('\n').slice(1);
  }
  return [];
}

function fileWith(content: string): string {
  const file = path.join(temporaryFolder('settings'), 'agent.json5');
  writeFileSync(file, content);
  return file;
}

describe('the settings of the agent', () => {
  it('are complete with an address and credentials', () => {
    expect(readAgentSettings(NEEDED, {})).to.deep.equal({
      url: new URL('https://tracking.example.org'),
      clientId: 'web-1',
      clientSecret: 'secret',
      clientSecretFile: null,
      namespace: hostname(),
      tags: { host: hostname() },
      interval: 10_000,
      include: [],
      exclude: [],
      buffer: '/var/lib/tracking-agent',
      bufferTime: 86_400_000,
      bufferSize: 200_000_000,
      batch: 5000,
      timeout: 30_000,
      statsd: null,
      statsdSocket: null,
      percentiles: [90],
      logLevel: 'info',
    } satisfies AgentSettings & { clientSecretFile: null });
  });

  it('come from flags before the environment before the file', () => {
    const file = fileWith(`{ // a comment
      url: 'http://file', clientId: 'file', clientSecret: 'file', interval: '1m', include: ['cpu*'], tags: { dc: 'eu' } }`);
    const environment = {
      TRACKING_AGENT_CONFIG: file,
      TRACKING_AGENT_URL: 'http://environment',
      TRACKING_AGENT_CLIENT_ID: 'environment',
      TRACKING_AGENT_PERCENTILES: '50, 99.9',
      TRACKING_AGENT_INTERVAL: '',
      TRACKING_AGENT_STATSD: '8125',
    };
    const settings = readAgentSettings({ url: 'http://flag', tags: ['role=web', 'rack=7,row=b'] }, environment);
    expect(settings).to.deep.include({
      url: new URL('http://flag'),
      clientId: 'environment',
      clientSecret: 'file',
      interval: 60_000,
      include: ['cpu*'],
      percentiles: [50, 99.9],
      statsd: 8125,
      tags: { host: hostname(), role: 'web', rack: '7', row: 'b' },
    });
  });

  it('take the secret from a file of its own', () => {
    const { clientSecret: _, ...others } = NEEDED;
    const settings = readAgentSettings({ ...others, clientSecretFile: fileWith('of a file\n') }, {});
    expect(settings.clientSecret).to.equal('of a file');
  });

  it('are explained, each mistake in a sentence', () => {
    const wrong = {
      url: 'tracking',
      interval: '10',
      bufferTime: '5s',
      bufferSize: '10KB',
      statsd: '70000',
      batch: '0',
      tags: 'host',
      percentiles: '90,100',
      namespace: '_x',
      logLevel: 'loud',
      colour: 'red',
    };
    expect(mistakesIn(wrong)).to.have.members([
      '- url must be an address such as https://tracking.example.org.',
      '- clientId is required, such as the id that "tracking application add" printed.',
      '- interval must be from 1s to 1h with a unit (ms, s, m, h, d), such as 10s, not "10".',
      '- bufferTime must be from 1m to 3660d with a unit (ms, s, m, h, d), such as 24h, not "5s".',
      '- bufferSize must be from 1MB to 1000GB with a unit (kB, MB, GB), such as 200MB, not "10KB".',
      '- statsd must be a whole number from 0 to 65535, not "70000".',
      '- batch must be a whole number from 1 to 10000, not "0".',
      '- tags must be key=value, not "host".',
      '- percentiles[1] must be a number between 0 and 100, such as 90 or 99.9, not "100".',
      '- namespace must be 1 to 128 characters, no control characters, not starting with "_".',
      '- logLevel must be error, warn, info or debug, not "loud".',
      '- colour is no setting; deploy/tracking-agent.json5 lists them all.',
      '- clientSecret is required, or clientSecretFile with the path of a file that holds it (the environment has TRACKING_AGENT_CLIENT_SECRET; the command line, which others can read, has none).',
    ]);
    for (const url of ['https://ann:secret@tracking.example.org', 'https://ann@tracking.example.org']) {
      expect(mistakesIn({ ...NEEDED, url })).to.deep.equal([
        '- url must hold neither a user name nor a password: clientId and clientSecret are set by themselves.',
      ]);
    }
    expect(mistakesIn(NEEDED, { TRACKING_AGENT_COLOUR: 'red' })[0]).to.contain('TRACKING_AGENT_COLOUR is no setting');
    expect(mistakesIn({ ...NEEDED, tags: 'name=x' })[0]).to.contain('"name" is no key');
    expect(mistakesIn({ config: '/nowhere.json5' })[0]).to.contain('The settings file /nowhere.json5 cannot be read');
    expect(mistakesIn({ config: fileWith('{ url: ') })[0]).to.contain('cannot be read');
  });

  it('are all in the sample file with their defaults, and nothing else is', () => {
    const sample = path.join(PACKAGE_FOLDER, 'deploy', 'tracking-agent.json5');
    const listed = [...readFileSync(sample, 'utf8').matchAll(/^ {2}(?:\/\/ )?(\w+): /gm)].map(([, name]) => name);
    expect(listed).to.have.members([...SETTING_NAMES]);
    // With everything that is commented out.
    const all = readFileSync(sample, 'utf8').replace(/^ {2}\/\/ (\w+: )/gm, '  $1');
    const { url: _, ...settings } = readAgentSettings({ config: fileWith(all) }, {});
    const { url: __, ...defaults } = readAgentSettings({ ...NEEDED }, {});
    const unset = ['clientId', 'clientSecret', 'clientSecretFile', 'namespace', 'tags', 'include', 'exclude'];
    const others = (one: object): object =>
      Object.fromEntries(Object.entries(one).filter(([name]) => !unset.includes(name) && !name.startsWith('statsd')));
    expect(others(settings)).to.deep.equal(others(defaults));
  });

  it('may stand in the .env of the service, which leaves them to the agent', () => {
    const file = fileWith('TRACKING_AGENT_STATSD=8125\n');
    loadEnvironmentFile(file);
    delete process.env.TRACKING_AGENT_STATSD;
  });

  it('have an environment variable each', () => {
    expect(variableOf('clientSecretFile')).to.equal('TRACKING_AGENT_CLIENT_SECRET_FILE');
    const readme = readFileSync(path.join(PACKAGE_FOLDER, 'README.md'), 'utf8');
    for (const name of SETTING_NAMES) expect(readme, name).to.match(new RegExp(`\\b${name}\\b`));
  });
});
