import { expect } from 'chai';
import { exportJWK, generateKeyPair, importJWK, type JWK, type JWTPayload, SignJWT } from 'jose';
import { createHmac } from 'node:crypto';
import { TrackingError } from '../../lib/errors.js';
import { BOOTSTRAP, ISSUER, running, tokenOf } from './running.js';

const SHOP = { name: 'Shop', scopes: ['read', 'write'], namespaces: ['Shop-*'] };

describe('The authenticator', () => {
  const service = running();

  async function sign(claims: JWTPayload = {}, header = {}, key: JWK = service.key): Promise<string> {
    const seconds = Math.floor(service.now / 1000);
    return new SignJWT({
      iss: ISSUER,
      aud: ISSUER,
      sub: BOOTSTRAP.id,
      client_id: BOOTSTRAP.id,
      scope: 'read write aggregation',
      jti: 'x',
      iat: seconds,
      exp: seconds + 60,
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: service.key.kid ?? '', ...header })
      .sign(await importJWK(key, 'ES256'));
  }

  async function refusal(token: string): Promise<string> {
    try {
      await service.authenticator.authenticate(token);
    } catch (error) {
      expect(error).to.be.instanceOf(TrackingError).with.property('code', 'unauthenticated');
      return (error as TrackingError).message;
    }
    throw new Error('the token was taken');
  }

  it('says at once what the bearer of a token that it has seen may do', async () => {
    const token = await tokenOf(service, BOOTSTRAP.id, BOOTSTRAP.secret);
    const first = service.authenticator.authenticate(token);
    expect(first).to.be.instanceOf(Promise);
    const grant = { application: 'boot', scopes: ['read', 'write', 'aggregation', 'delete'], namespaces: [] };
    expect(await first).to.deep.equal(grant);
    expect(service.authenticator.authenticate(token)).to.deep.equal(grant);
  });

  it('knows applications by their own credentials too, as long as they are registered', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    const grant = { application: application.id, scopes: SHOP.scopes, namespaces: SHOP.namespaces };
    expect(await service.authenticator.authenticateClient(application.id, secret)).to.deep.equal(grant);
    const refused = async (id: string, word: string): Promise<void> => {
      let error: unknown;
      await Promise.resolve()
        .then(() => service.authenticator.authenticateClient(id, word))
        .catch((thrown: unknown) => (error = thrown));
      expect(error).to.be.instanceOf(TrackingError).with.property('code', 'unauthenticated');
    };
    await refused(application.id, `${secret}0`);
    await refused(`${application.id}0`, secret);
    await service.applications.remove(application.id);
    await refused(application.id, secret);
  });

  it('takes a token that was made with our own key, as a check on the forgeries below', async () => {
    expect(await service.authenticator.authenticate(await sign())).to.have.property('application', BOOTSTRAP.id);
  });

  it('refuses forged tokens', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true });
    const foreign = await exportJWK(privateKey);
    const [header = '', payload = '', signature = ''] = (await sign()).split('.');
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const symmetric = `${encode({ alg: 'HS256', typ: 'at+jwt', kid: service.key.kid })}.${payload}`;
    const { d: _, ...publicKey } = service.key;
    const hmac = createHmac('sha256', JSON.stringify(publicKey)).update(symmetric).digest('base64url');
    const forgeries = [
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.`,
      `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.${signature}`,
      `${symmetric}.${hmac}`,
      await sign({}, {}, foreign),
      await sign({}, { kid: 'other' }, foreign),
      await sign({}, { jwk: { kty: 'EC', crv: 'P-256', x: foreign.x, y: foreign.y } }, foreign),
      `${header}.${encode({ ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object), sub: 'root' })}.${signature}`,
      `${header}.${payload}.${'A'.repeat(86)}`,
    ];
    for (const forgery of forgeries) {
      expect(await refusal(forgery)).to.match(/^The token (was not issued by this service|is malformed)/);
    }
  });

  it('refuses tokens that are for something else', async () => {
    for (const [claims, header] of [
      [{ iss: 'http://else.where' }, {}],
      [{ aud: 'http://else.where' }, {}],
      [{ exp: undefined }, {}],
      [{ client_id: undefined }, {}],
      [{}, { typ: 'JWT' }],
      [{}, { typ: undefined }],
      [{ nbf: Math.floor(Date.now() / 1000) + 600 }, {}],
    ] as const) {
      expect(await refusal(await sign({ ...claims } as JWTPayload, header))).to.contain('not for this service');
    }
  });

  it('refuses garbage, however long', async () => {
    const garbage = ['', ' ', 'abc', 'a.b.c', '..', '{}', 'é.ü.ß', '\0', 'x'.repeat(4_000), `${await sign()}x.y`];
    for (const token of garbage) expect(await refusal(token)).to.contain('malformed');
    expect(await refusal('a'.repeat(1_000_000))).to.contain('too long');
    expect(await refusal(await sign({ scope: 'read '.repeat(2_000) }))).to.contain('too long');
  });

  it('refuses a token from the second on in which it expires, remembered or not', async () => {
    const token = await sign();
    await service.authenticator.authenticate(token);
    service.now += 59_000;
    expect((await service.authenticator.authenticate(token)).application).to.equal(BOOTSTRAP.id);
    service.now += 1_000;
    expect(await refusal(token)).to.equal('The token has expired. Ask /o/token/ for a new one.');
    expect(await refusal(token)).to.contain('expired');
    expect(await refusal(await sign({ exp: Math.floor(service.now / 1000) }))).to.contain('expired');
  });

  it('refuses tokens of an application that was removed through us, at once', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    const remembered = await tokenOf(service, application.id, secret);
    const fresh = await tokenOf(service, application.id, secret, 'read');
    await service.authenticator.authenticate(remembered);
    await service.applications.remove(application.id);
    for (const token of [remembered, fresh]) {
      expect(await refusal(token)).to.equal('The application that the token was issued to has been removed.');
    }
    expect(await tokenOf(service, application.id, secret)).to.equal(undefined);
  });

  it('refuses tokens of an application that another instance removed, five seconds later', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    const token = await tokenOf(service, application.id, secret);
    await service.authenticator.authenticate(token);
    await service.registry.removeApplication(application.id);
    expect(service.authenticator.authenticate(token)).not.to.be.instanceOf(Promise);
    service.now += 5_001;
    expect(await refusal(token)).to.contain('removed');
  });

  it('sees the removal under steady use within five seconds, without waiting for the registry', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    const token = await tokenOf(service, application.id, secret);
    await service.authenticator.authenticate(token);
    await service.registry.removeApplication(application.id);
    service.now += 2_501;
    expect(service.authenticator.authenticate(token)).not.to.be.instanceOf(Promise);
    await new Promise((resolve) => setImmediate(resolve));
    expect(await refusal(token)).to.contain('removed');
  });

  it('follows what the application may do now, within what the token was issued for', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    const token = await tokenOf(service, application.id, secret, 'write');
    const all = await tokenOf(service, application.id, secret);
    await service.authenticator.authenticate(token);
    const [kept] = await service.registry.applications();
    if (kept === undefined) throw new Error('it was not kept');
    await service.registry.removeApplication(application.id);
    await service.registry.addApplication({ ...kept, scopes: ['read', 'aggregation'], namespaces: ['Other'] });
    await service.applications.list();
    const grants = [await service.authenticator.authenticate(token), await service.authenticator.authenticate(all)];
    expect(grants).to.deep.equal([
      { application: application.id, scopes: [], namespaces: ['Other'] },
      { application: application.id, scopes: ['read'], namespaces: ['Other'] },
    ]);
  });

  it('does not trust a list from before the clock was set back', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    const token = await tokenOf(service, application.id, secret);
    await service.authenticator.authenticate(token);
    await service.registry.removeApplication(application.id);
    service.now -= 3_600_000;
    expect(await refusal(token)).to.contain('removed');
  });

  it('says unavailable where it cannot know whether the application is still there', async () => {
    const token = await sign();
    await service.authenticator.authenticate(token);
    await service.registry.close();
    service.now += 5_001;
    let error: unknown;
    await Promise.resolve(service.authenticator.authenticate(token)).catch((thrown: unknown) => (error = thrown));
    expect(error).to.have.property('code', 'unavailable');
  });
});

describe('The memory of the authenticator', () => {
  const service = running({ rememberedTokens: 3 });

  it('is bounded: the oldest token is forgotten, and still taken', async () => {
    const tokens: string[] = [];
    for (let index = 0; index < 4; index++) tokens.push(await tokenOf(service, BOOTSTRAP.id, BOOTSTRAP.secret));
    for (const token of tokens) await service.authenticator.authenticate(token);
    const [first = '', ...others] = tokens;
    for (const token of others) expect(service.authenticator.authenticate(token)).not.to.be.instanceOf(Promise);
    const again = service.authenticator.authenticate(first);
    expect(again).to.be.instanceOf(Promise);
    expect((await again).application).to.equal(BOOTSTRAP.id);
  });
});
