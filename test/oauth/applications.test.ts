import { expect } from 'chai';
import { type CommandWork, lockDataDirectory, sendOrRun } from '../../lib/files/lock.js';
import { FileRegistry } from '../../lib/files/registry.js';
import { Applications } from '../../lib/oauth/applications.js';
import { generateSecret, hashSecret, isSecret } from '../../lib/oauth/secret.js';
import { failureOf } from '../failure.js';
import { temporaryDirectory } from '../files/temporary.js';
import { BOOTSTRAP, running, tokenOf } from './running.js';

describe('Applications', () => {
  const service = running();

  it('are registered with a readable id and a secret that is shown once and kept as a hash', async () => {
    const { application, secret } = await service.applications.add({
      name: ' Größe & Co. Web ',
      scopes: ['write', 'read', 'write'],
      namespaces: ['Shop-*', 'Shop-*'],
    });
    expect(application.id).to.match(/^gro-e-co-web-[0-9a-f]{10}$/);
    expect(secret).to.match(/^[0-9a-f]{64}$/);
    expect(application).to.deep.include({
      name: 'Größe & Co. Web',
      scopes: ['read', 'write'],
      namespaces: ['Shop-*'],
      bootstrap: false,
    });
    const [kept] = await service.registry.applications();
    expect(JSON.stringify(kept)).not.to.contain(secret);
    expect(isSecret(secret, kept?.secretHash ?? '')).to.equal(true);
    expect(JSON.stringify(await service.applications.list())).not.to.contain(kept?.secretHash);
  });

  it('get different ids and secrets under the same name, also one without Latin letters', async () => {
    const made = await Promise.all([1, 2, 3].map(() => service.applications.add({ name: '計測', scopes: ['read'] })));
    for (const { application } of made) expect(application.id).to.match(/^application-[0-9a-f]{10}$/);
    expect(new Set(made.map(({ application }) => application.id)).size).to.equal(3);
    expect(new Set(made.map(({ secret }) => secret)).size).to.equal(3);
  });

  it('are refused with every mistake named, and nothing kept', async () => {
    const error = await failureOf(
      service.applications.add({ name: '', scopes: ['read', 'admin'], namespaces: ['a', '\n'], colour: 'red' }),
    );
    expect(error.code).to.equal('invalid');
    expect(error.message).to.contain('Nothing was registered: the name must not be empty');
    expect(error.message).to.contain(
      '"admin" is no scope (there are read, write, aggregation, delete); a pattern of namespaces must have',
    );
    expect(error.mistakes.map(({ path }) => path)).to.deep.equal(['name', 'scopes.1', 'namespaces.1', 'colour']);
    for (const input of [
      undefined,
      null,
      1,
      [],
      {},
      { name: 'x' },
      { name: 'x', scopes: [] },
      { name: 1, scopes: {} },
    ]) {
      expect((await failureOf(service.applications.add(input))).message).to.match(/^Nothing was registered: .+\.$/);
    }
    expect(await service.registry.applications()).to.be.empty;
  });

  it('are listed in order, the bootstrap one with them, and removed once', async () => {
    const { application } = await service.applications.add({ name: 'Shop', scopes: ['read'] });
    const listed = await service.applications.list();
    expect(listed.map(({ id, bootstrap }) => [id, bootstrap])).to.deep.equal([
      [application.id, false],
      ['boot', true],
    ]);
    await service.applications.remove(application.id);
    expect(await service.applications.list()).to.have.length(1);
    const error = await failureOf(service.applications.remove(application.id));
    expect(error).to.include({
      code: 'not-found',
      message: `There is no application with the client_id ${application.id}.`,
    });
  });

  it('that settings make cannot be removed by a command, and are not kept', async () => {
    const error = await failureOf(service.applications.remove(BOOTSTRAP.id));
    expect(error.code).to.equal('unprocessable');
    expect(error.message).to.contain('Unset BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET');
    expect(await service.registry.applications()).to.be.empty;
    expect(await new Applications(service.registry).list()).to.be.empty;
  });
});

describe('Commands about applications', () => {
  const service = running();
  const directory = temporaryDirectory();

  it('reach the service that runs, and take effect there at once', async () => {
    const lock = await lockDataDirectory(directory.path);
    lock.serve(service.applications.commands());
    const added = (await sendOrRun(directory.path, 'application add', { name: 'Shop', scopes: ['read'] }, () => {
      throw new Error('a service holds the directory');
    })) as Awaited<ReturnType<Applications['add']>>;
    expect(await tokenOf(service, added.application.id, added.secret)).to.be.a('string');
    await lock.release();
  });

  it('work without one, on the same file', async () => {
    const open = async (): Promise<CommandWork> => {
      const registry = await FileRegistry.open(directory.path);
      return { handlers: new Applications(registry).commands(), close: () => registry.close() };
    };
    const added = (await sendOrRun(directory.path, 'application add', { name: 'Shop', scopes: ['read'] }, open)) as {
      application: { id: string };
    };
    const { id } = added.application;
    expect(await sendOrRun(directory.path, 'application list', undefined, open)).to.deep.equal([added.application]);
    await sendOrRun(directory.path, 'application remove', id, open);
    expect(await sendOrRun(directory.path, 'application list', undefined, open)).to.deep.equal([]);
    let error: unknown;
    await sendOrRun(directory.path, 'application remove', id, open).catch((thrown: unknown) => (error = thrown));
    expect(error).to.have.property('code', 'not-found');
  });
});

describe('Secrets', () => {
  it('are never hashed alike, and only the right one fits', () => {
    const secret = generateSecret();
    const [first, second] = [hashSecret(secret), hashSecret(secret)];
    expect(first).not.to.equal(second);
    expect(isSecret(secret, first) && isSecret(secret, second)).to.equal(true);
    for (const wrong of ['', secret.slice(1), `${secret}0`, secret.toUpperCase(), generateSecret(), first]) {
      expect(isSecret(wrong, first)).to.equal(false);
    }
  });

  it('fit no damaged hash', () => {
    for (const hash of ['', 'sha256', 'sha256$$', 'sha256$00$00', 'md5$00$00', '$$$']) {
      expect(isSecret('', hash)).to.equal(false);
    }
  });
});
