import { join } from 'node:path';
import { expect } from 'chai';
import { commandLine, commandLineAnywhere } from '../lib/command-line.js';

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

  it('names everything where they may be anywhere', () => {
    const [dataDirectory, program] = ["/data/o'clock", '/opt/tracking/dist/lib/cli.js'];
    expect(commandLineAnywhere('application list', { dataDirectory, program })).to.equal(
      "DATA_DIR='/data/o'\\''clock' node /opt/tracking/dist/lib/cli.js application list",
    );
  });
});
