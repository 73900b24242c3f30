import { expect } from 'chai';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileRegistry } from '../../lib/files/registry.js';
import type { Application } from '../../lib/registry.js';
import { failureOf } from '../failure.js';
import { temporaryDirectory } from './temporary.js';

const SHOP: Application = {
  id: 'shop-1',
  name: 'Shop',
  secretHash: 'sha256$00$11',
  scopes: ['write'],
  namespaces: ['Shop-*'],
  createdAt: '2026-01-01T00:00:00Z',
};

describe('The registry in a file', () => {
  const directory = temporaryDirectory();
  const registries: FileRegistry[] = [];

  async function open(): Promise<FileRegistry> {
    const registry = await FileRegistry.open(directory.path);
    registries.push(registry);
    return registry;
  }

  afterEach(async () => {
    await Promise.all(registries.splice(0).map((registry) => registry.close()));
  });

  it('keeps applications and keys over a restart', async () => {
    const first = await open();
    await first.addApplication(SHOP);
    const keys = await first.signingKeys();
    await first.close();
    const second = await open();
    expect(await second.applications()).to.deep.equal([SHOP]);
    expect(await second.signingKeys()).to.deep.equal(keys);
  });

  it('keeps one retention for each pattern, over a restart', async () => {
    const first = await open();
    await first.setRetention({ namespaces: 'Server-*', seconds: 3600 });
    await first.setRetention({ namespaces: 'Frontend', seconds: 7200 });
    await first.setRetention({ namespaces: 'Server-*', seconds: 60 });
    await first.close();
    const second = await open();
    expect(await second.retentions()).to.deep.equal([
      { namespaces: 'Frontend', seconds: 7200 },
      { namespaces: 'Server-*', seconds: 60 },
    ]);
    expect(await second.removeRetention('Server-*')).to.equal(true);
    expect(await second.removeRetention('Server-*')).to.equal(false);
    expect(await second.retentions()).to.have.length(1);
  });

  it('reads a file of a release that knew no retentions, and adds them', async () => {
    const registry = await open();
    await registry.addApplication(SHOP);
    await registry.close();
    const path = join(directory.path, 'registry.json');
    const { retentions: _, ...old } = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify(old));
    const next = await open();
    expect(await next.retentions()).to.deep.equal([]);
    await next.setRetention({ namespaces: 'a', seconds: 60 });
    expect(await next.applications()).to.deep.equal([SHOP]);
  });

  it('makes one private ES256 key on first use, however many ask at once', async () => {
    const registry = await open();
    const [first, second] = await Promise.all([registry.signingKeys(), registry.signingKeys()]);
    expect(first).to.deep.equal(second).and.to.have.length(1);
    expect(first[0]).to.include({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
    expect(first[0]?.d).to.be.a('string');
  });

  it('lets only its owner read the file, also one that came from a copy', async () => {
    const registry = await open();
    await registry.signingKeys();
    const path = join(directory.path, 'registry.json');
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect(await readdir(directory.path)).to.deep.equal(['registry.json']);
    await registry.close();
    await chmod(path, 0o644);
    await open();
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
  });

  it('loses none of many changes at once', async () => {
    const registry = await open();
    const ids = Array.from({ length: 30 }, (_, index) => `application-${index}`);
    await Promise.all(ids.map((id) => registry.addApplication({ ...SHOP, id })));
    await Promise.all(ids.filter((_, index) => index % 2 === 0).map((id) => registry.removeApplication(id)));
    await registry.close();
    const left = (await (await open()).applications()).map(({ id }) => id);
    expect(left).to.deep.equal(ids.filter((_, index) => index % 2 === 1));
  });

  it('refuses an id that is taken, and says whether there was one to remove', async () => {
    const registry = await open();
    await registry.addApplication(SHOP);
    expect((await failureOf(registry.addApplication(SHOP))).code).to.equal('unprocessable');
    expect(await registry.removeApplication(SHOP.id)).to.equal(true);
    expect(await registry.removeApplication(SHOP.id)).to.equal(false);
  });

  it('never takes a damaged file for an empty one', async () => {
    const path = join(directory.path, 'registry.json');
    const damages = ['', '{"version":1', '[]', '{"version":2}', '{"version":1,"applications":[{}],"signingKeys":[]}'];
    for (const damage of damages) {
      await writeFile(path, damage);
      const error = await failureOf(FileRegistry.open(directory.path));
      expect(error.message).to.contain(`${path} is damaged: `);
      expect(await readFile(path, 'utf8')).to.equal(damage);
    }
  });

  it('does not quote keys where it says what is damaged', async () => {
    const registry = await open();
    const [key] = await registry.signingKeys();
    await registry.close();
    const path = join(directory.path, 'registry.json');
    const text = await readFile(path, 'utf8');
    for (const damage of [`${text}x`, text.replace('"ES256"', '"none"'), text.replace('"d": "', '"d": x"')]) {
      await writeFile(path, damage);
      expect((await failureOf(FileRegistry.open(directory.path))).message).not.to.contain(key?.d?.slice(0, 6));
    }
  });

  it('survives a kill in the middle of a change', async () => {
    const registry = await open();
    await registry.addApplication(SHOP);
    await registry.close();
    await writeFile(join(directory.path, 'registry.json.new'), '{"version":1,"applicat');
    const next = await open();
    expect(await next.applications()).to.deep.equal([SHOP]);
    await next.addApplication({ ...SHOP, id: 'shop-2' });
    expect(await readdir(directory.path)).to.deep.equal(['registry.json']);
  });

  it('changes nothing where the file cannot be written, and goes on when it can', async () => {
    const registry = await open();
    await registry.addApplication(SHOP);
    const obstacle = join(directory.path, 'registry.json.new');
    await mkdir(obstacle);
    const error = await failureOf(registry.addApplication({ ...SHOP, id: 'shop-2' }));
    expect(error.code).to.equal('unavailable');
    expect(await registry.applications()).to.deep.equal([SHOP]);
    await rm(obstacle, { recursive: true });
    await registry.addApplication({ ...SHOP, id: 'shop-2' });
    expect(await registry.applications()).to.have.length(2);
  });

  it('refuses everything once closed, and closing twice is no error', async () => {
    const registry = await open();
    await registry.addApplication(SHOP);
    await registry.close();
    await registry.close();
    for (const attempt of [
      () => registry.applications(),
      () => registry.addApplication(SHOP),
      () => registry.removeApplication(SHOP.id),
      () => registry.signingKeys(),
      () => registry.retentions(),
      () => registry.setRetention({ namespaces: 'a', seconds: 60 }),
      () => registry.removeRetention('a'),
    ]) {
      expect((await failureOf(attempt())).code).to.equal('unavailable');
    }
  });
});
