import { join } from 'node:path';
import { expect } from 'chai';
import { commandLine } from '../lib/command-line.js';

describe('a command that a sentence names', () => {
  it('is one that people can type where they started the program', () => {
    const program = join(process.cwd(), 'dist', 'lib', 'cli.js');
    expect(commandLine('dead-letters list', program)).to.equal('node dist/lib/cli.js dead-letters list');
    expect(commandLine('retention list', '/opt/it is/dist/lib/cli.js')).to.equal(
      "node '/opt/it is/dist/lib/cli.js' retention list",
    );
    expect(commandLine('retention list', '/usr/local/bin/tracking')).to.equal('tracking retention list');
    expect(commandLine('retention list', '/project/node_modules/.bin/tracking')).to.equal(
      'npx tracking retention list',
    );
  });
});
