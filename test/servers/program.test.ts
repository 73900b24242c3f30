import { expect } from 'chai';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { messageOf } from '../../lib/errors.js';
import { temporaryFolder } from './lifetime.js';
import { getProgram, type Recipe } from './program.js';

describe('Servers for tests', () => {
  const keptEnvironment = { ...process.env };
  let folder: string;

  beforeEach(() => {
    folder = temporaryFolder('program');
    Object.assign(process.env, { PATH: path.join(folder, 'bin'), XDG_CACHE_HOME: path.join(folder, 'cache') });
    delete process.env.NONESUCH;
    mkdirSync(path.join(folder, 'bin'));
  });
  afterEach(() => {
    Object.assign(process.env, keptEnvironment);
    if (keptEnvironment.XDG_CACHE_HOME === undefined) delete process.env.XDG_CACHE_HOME;
    delete process.env.NONESUCH;
  });

  function recipe(changes: Partial<Recipe> = {}): Recipe {
    return {
      name: 'nonesuch',
      version: '1.2.3',
      variable: 'NONESUCH',
      tools: {},
      duration: 'at once',
      accepts: () => Promise.resolve(true),
      build: (into) => Promise.resolve(makeProgram(path.join(into, 'built'))),
      ...changes,
    };
  }

  function makeProgram(file: string): string {
    writeFileSync(file, '#!/bin/sh\n');
    chmodSync(file, 0o755);
    return file;
  }

  async function reasonOf(work: Promise<unknown>): Promise<string> {
    return work.then(
      () => 'none',
      (error: unknown) => messageOf(error),
    );
  }

  it('are built once, into the cache, and nothing else stays there', async () => {
    let builds = 0;
    const counted = recipe({
      build: (into) => {
        builds++;
        return Promise.resolve(makeProgram(path.join(into, 'built')));
      },
    });
    const place = path.join(folder, 'cache', 'tracking-api', 'servers', 'nonesuch-1.2.3');
    expect(await getProgram(counted)).to.equal(place);
    expect(await getProgram(counted)).to.equal(place);
    expect(builds).to.equal(1);
    expect(readdirSync(path.dirname(place))).to.deep.equal(['nonesuch-1.2.3']);
  });

  it('are taken from the environment first, then from PATH where they will do', async () => {
    const onPath = makeProgram(path.join(folder, 'bin', 'nonesuch'));
    expect(await getProgram(recipe())).to.equal(onPath);
    expect(await getProgram(recipe({ accepts: () => Promise.resolve(false) }))).to.match(/nonesuch-1\.2\.3$/);
    process.env.NONESUCH = makeProgram(path.join(folder, 'named'));
    expect(await getProgram(recipe())).to.equal(process.env.NONESUCH);
  });

  it('are missing with a sentence that says what is wrong', async () => {
    const tools = { nonesuchc: 'nonesuch-compiler', nonesuchd: 'nonesuch-compiler' };
    expect(await reasonOf(getProgram(recipe({ tools })))).to.equal(
      'There is no nonesuch 1.2.3 here, and building it needs nonesuchc, nonesuchd. ' +
        'On Debian: apt-get install nonesuch-compiler. Or name a program in NONESUCH.',
    );
    process.env.NONESUCH = path.join(folder, 'absent');
    expect(await reasonOf(getProgram(recipe()))).to.match(/^NONESUCH names .*absent, which is no program\./);
  });

  it('leave nothing in the cache when their build fails', async () => {
    const failing = recipe({ build: () => Promise.reject(new Error('The compiler is out of memory.')) });
    expect(await reasonOf(getProgram(failing))).to.equal('The compiler is out of memory.');
    expect(readdirSync(path.join(folder, 'cache', 'tracking-api', 'servers'))).to.deep.equal([]);
  });
});
