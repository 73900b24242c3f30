import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { PACKAGE_FOLDER } from '../lib/config.js';
import { APPLICATION, ServiceProcess } from './servers/service.js';

interface Example {
  readonly command: string;
  /** What the README shows below the command, if anything. */
  readonly output: string | undefined;
}

const README = readFileSync(path.join(PACKAGE_FOLDER, 'README.md'), 'utf8');
const BLOCK = /^```(\w+)\n([^]*?)^```$/gm;
/** What a command answers; other languages are configuration files of other programs. */
const ANSWERS = ['json', 'csv', 'text', 'http'];
const ADDRESS = 'http://localhost:8000';

/** Every command that asks the service, with the block that follows it where that is an answer. */
function examples(): Example[] {
  const blocks = [...README.matchAll(BLOCK)].map(([, language = '', text = '']) => ({ language, text }));
  return blocks.flatMap(({ language, text }, index) => {
    if (language !== 'sh' || !text.includes(`${ADDRESS}/`)) return [];
    const next = blocks[index + 1];
    const output = next !== undefined && ANSWERS.includes(next.language) ? next.text.trim() : undefined;
    return [{ command: text, output }];
  });
}

describe('the README', () => {
  let service: ServiceProcess;

  before(async () => {
    service = await ServiceProcess.start();
  });

  after(() => service.stop());

  it('shows what its commands answer, one after another', async () => {
    const found = examples();
    expect(found.length).to.be.at.least(7);
    const script = found.map(({ command }) => `${command}\nprintf '\\036'`).join('\n');
    const { stdout } = await promisify(execFile)('bash', ['-c', script.replaceAll(ADDRESS, service.url)], {
      env: { ...process.env, CLIENT_ID: APPLICATION.id, CLIENT_SECRET: APPLICATION.secret },
    });
    const outputs = stdout.split('\x1e');
    found.forEach(({ command, output }, index) => {
      if (output === undefined) return;
      expect(outputs[index]?.replaceAll('\r', '').trim(), command).to.equal(output);
    });
  });
});
