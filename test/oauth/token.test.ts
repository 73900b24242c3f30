import { expect } from 'chai';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { request } from 'node:http';
import { ClientCredentials } from 'simple-oauth2';
import { createAuthorization } from '../../lib/oauth/authorization.js';
import { TrackingError } from '../../lib/errors.js';
import { ask, type Answer, basic, BOOTSTRAP, form, ISSUER, running } from './running.js';

const CREDENTIALS = { grant_type: 'client_credentials' };
const SHOP = { name: 'Shop web', scopes: ['read', 'write'], namespaces: ['Shop-*'] };

describe('The token endpoint', () => {
  const service = running();

  function askToken(init: RequestInit, path = '/o/token/'): Promise<Answer> {
    return ask(service.url + path, { method: 'POST', ...init });
  }

  function expectRefusal(answer: Answer, status: number, error: string, words: string): void {
    expect(answer.body).to.include({ error });
    expect(answer.status).to.equal(status);
    // RFC 6749 §5.2 allows these characters alone.
    expect(answer.body.error_description)
      .to.contain(words)
      .and.to.match(/^[\x20-\x21\x23-\x5B\x5D-\x7E]+$/);
    expect(answer.headers.get('cache-control')).to.equal('no-store');
    expect(answer.headers.get('content-type')).to.contain('application/json');
    expect(answer.headers.has('www-authenticate')).to.equal(status === 401);
    expect(service.failures).to.be.empty;
  }

  for (const authorizationMethod of ['header', 'body'] as const) {
    it(`gives simple-oauth2 a token, with its credentials in the ${authorizationMethod}`, async () => {
      const { application, secret } = await service.applications.add(SHOP);
      const client = new ClientCredentials({
        client: { id: application.id, secret },
        auth: { tokenHost: service.url, tokenPath: '/o/token/' },
        options: { authorizationMethod },
      });
      const { token } = await client.getToken({ scope: ['write'] });
      expect(token).to.include({ token_type: 'Bearer', expires_in: 3600, scope: 'write' });
      const grant = await service.authenticator.authenticate(token.access_token as string);
      expect(grant).to.deep.equal({ application: application.id, scopes: ['write'], namespaces: ['Shop-*'] });
    });
  }

  it('issues JWTs of RFC 9068, signed with ES256, never to be cached', async () => {
    const answer = await askToken({ headers: basic(BOOTSTRAP.id, BOOTSTRAP.secret), body: form(CREDENTIALS) });
    expect(answer.status).to.equal(200);
    expect(answer.headers.get('cache-control')).to.equal('no-store');
    const token = answer.body.access_token as string;
    expect(decodeProtectedHeader(token)).to.deep.equal({ alg: 'ES256', typ: 'at+jwt', kid: service.key.kid });
    const { exp = 0, iat = 0, ...claims } = decodeJwt(token);
    expect(claims).to.include({ iss: ISSUER, aud: ISSUER, sub: 'boot', client_id: 'boot' });
    expect(claims.jti).to.be.a('string');
    expect(exp - iat).to.equal(3600);
  });

  it('takes what curl -u sends of any secret that we make or accept', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    for (const [id, word] of [
      [application.id, secret],
      [BOOTSTRAP.id, BOOTSTRAP.secret],
      // Percent-encoded, as RFC 6749 §2.3.1 wants it.
      [encodeURIComponent(BOOTSTRAP.id), encodeURIComponent(BOOTSTRAP.secret)],
    ] as const) {
      expect((await askToken({ headers: basic(id, word), body: form(CREDENTIALS) })).status).to.equal(200);
    }
    const raw = `grant_type=client_credentials&client_id=${BOOTSTRAP.id}&client_secret=${BOOTSTRAP.secret}`;
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect((await askToken({ headers, body: raw })).status).to.equal(200);
    expect(
      (await askToken({ body: form({ ...CREDENTIALS, client_id: 'boot', client_secret: BOOTSTRAP.secret }) })).status,
    ).to.equal(200);
  });

  it('works without its last slash, and answers for any Host', async () => {
    const body = form(CREDENTIALS);
    const headers = basic(BOOTSTRAP.id, BOOTSTRAP.secret);
    expect((await askToken({ headers, body }, '/o/token')).status).to.equal(200);
    const status = await new Promise<number>((resolve, reject) => {
      request(`${service.url}/o/token/`, {
        method: 'POST',
        headers: { ...headers, Host: 'some.where:99', 'Content-Type': 'application/x-www-form-urlencoded' },
      })
        .once('response', (response) => {
          response.resume();
          resolve(response.statusCode ?? 0);
        })
        .once('error', reject)
        .end(String(body));
    });
    expect(status).to.equal(200);
  });

  it('gives all scopes of the application where none is asked', async () => {
    const { application, secret } = await service.applications.add(SHOP);
    for (const fields of [CREDENTIALS, { ...CREDENTIALS, scope: '' }]) {
      const { body } = await askToken({ headers: basic(application.id, secret), body: form(fields) });
      expect(body.scope).to.equal('read write');
    }
  });

  it("refuses scopes that are unknown or not the application's", async () => {
    const { application, secret } = await service.applications.add(SHOP);
    for (const scope of ['admin', 'aggregation', 'read admin', 'READ', 'openid']) {
      const answer = await askToken({ headers: basic(application.id, secret), body: form({ ...CREDENTIALS, scope }) });
      expectRefusal(answer, 400, 'invalid_scope', 'The scopes of this application are read, write');
    }
    const answer = await askToken({
      headers: basic(application.id, secret),
      body: form({ ...CREDENTIALS, scope: 'read  "write"' }),
    });
    expectRefusal(answer, 400, 'invalid_scope', 'one space between');
  });

  it('refuses wrong and missing credentials with a challenge, and does not say which part was wrong', async () => {
    const wrong = [basic('boot', 'wrong'), basic('nobody', BOOTSTRAP.secret), basic('__proto__', 'x')];
    for (const headers of [...wrong, { ...wrong[0], Accept: 'text/html' }]) {
      const answer = await askToken({ headers, body: form(CREDENTIALS) });
      expectRefusal(answer, 401, 'invalid_client', 'The client_id is unknown, or the client_secret is wrong.');
    }
    const missing: RequestInit[] = [
      { body: form(CREDENTIALS) },
      {},
      { body: form({ ...CREDENTIALS, client_id: 'boot' }) },
      { headers: basic('boot', ''), body: form(CREDENTIALS) },
      { headers: { Authorization: 'Bearer abc' }, body: form(CREDENTIALS) },
      { headers: { Authorization: 'Basic ???' }, body: form(CREDENTIALS) },
      { body: form({ ...CREDENTIALS, client_id: 'boot', client_assertion: 'x', client_assertion_type: 'y' }) },
    ];
    for (const init of missing) {
      expectRefusal(await askToken(init), 401, 'invalid_client', 'Authenticate with HTTP Basic');
    }
  });

  it('refuses credentials that come twice', async () => {
    const answer = await askToken({
      headers: basic(BOOTSTRAP.id, BOOTSTRAP.secret),
      body: form({ ...CREDENTIALS, client_id: BOOTSTRAP.id, client_secret: BOOTSTRAP.secret }),
    });
    expectRefusal(answer, 400, 'invalid_request', 'The credentials came twice');
  });

  it('refuses every other grant type', async () => {
    const headers = basic(BOOTSTRAP.id, BOOTSTRAP.secret);
    for (const type of ['authorization_code', 'password', 'refresh_token', 'implicit', 'x']) {
      const answer = await askToken({ headers, body: form({ grant_type: type }) });
      expectRefusal(answer, 400, 'unsupported_grant_type', 'The only grant_type here is client_credentials.');
    }
    expectRefusal(await askToken({ headers, body: form({}) }), 400, 'invalid_request', 'grant_type=client_credentials');
  });

  it('refuses malformed requests with a sentence, and never fails over one', async () => {
    const headers = basic(BOOTSTRAP.id, BOOTSTRAP.secret);
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const cases: [RequestInit, string][] = [
      [{ headers: { ...headers, 'Content-Type': 'application/json' }, body: '{' }, 'must be a form'],
      [{ headers: { ...headers, 'Content-Type': 'nonsense' }, body: '{' }, 'must be a form'],
      [{ headers: { ...headers, ...type }, body: 'grant_type=x&grant_type=y' }, 'must not be provided twice'],
      [{ headers: { ...headers, ...type }, body: '&&&===%%%' }, 'grant_type=client_credentials'],
      [{ headers: basic('boot', '%zz'), body: form(CREDENTIALS) }, 'not percent-encoded'],
      [{ headers: { ...headers, ...type, 'Content-Encoding': 'gzip' }, body: 'abc' }, 'grant_type=client_credentials'],
    ];
    for (const [init, words] of cases) expectRefusal(await askToken(init), 400, 'invalid_request', words);
    const elsewhere = form({ ...CREDENTIALS, resource: 'https://else.where/' });
    expectRefusal(await askToken({ headers, body: elsewhere }), 400, 'invalid_target', 'The only resource here is');
  });

  it('refuses bodies beyond 56 KiB, whether their length is announced or not', async () => {
    const headers = basic(BOOTSTRAP.id, BOOTSTRAP.secret);
    const body = `grant_type=client_credentials&x=${'x'.repeat(100_000)}`;
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expectRefusal(await askToken({ headers: { ...headers, ...type }, body }), 413, 'invalid_request', '56 KiB');
    const stream = new Blob([body]).stream();
    const init: RequestInit = { headers: { ...headers, ...type }, body: stream, duplex: 'half' };
    expectRefusal(await askToken(init), 413, 'invalid_request', '56 KiB');
  });

  it('says which method is right', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'PATCH']) {
      const answer = await askToken({ method });
      expectRefusal(answer, 405, 'invalid_request', `The method here is POST, not ${method}.`);
      expect(answer.headers.get('allow')).to.equal('POST, OPTIONS');
    }
  });

  it('answers pages of any origin, and sets no cookies', async () => {
    const answer = await askToken({
      headers: { ...basic(BOOTSTRAP.id, BOOTSTRAP.secret), Origin: 'http://127.0.0.1:1234' },
      body: form(CREDENTIALS),
    });
    expect(answer.status).to.equal(200);
    expect(answer.headers.has('set-cookie')).to.equal(false);
  });

  it('describes what is on, and nothing else, at the well-known place', async () => {
    for (const path of ['/.well-known/oauth-authorization-server', '/.well-known/oauth-authorization-server/']) {
      expect((await ask(service.url + path)).body).to.deep.equal({
        issuer: ISSUER,
        token_endpoint: `${ISSUER}/o/token/`,
        jwks_uri: `${ISSUER}/o/jwks/`,
        scopes_supported: ['read', 'write', 'aggregation', 'delete'],
        response_types_supported: [],
        grant_types_supported: ['client_credentials'],
        token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
      });
    }
  });

  it('publishes the public keys alone', async () => {
    for (const path of ['/o/jwks', '/o/jwks/']) {
      const { d: _, ...publicKey } = service.key;
      expect((await ask(service.url + path)).body).to.deep.equal({ keys: [publicKey] });
    }
  });

  it('has no other page: no sign-in, no registration, no introspection, no discovery of OpenID', async () => {
    for (const path of ['/o/', '/o/auth', '/o/authorize/', '/o/reg', '/o/introspect/', '/o/revoke/', '/o/TOKEN/x']) {
      expect((await ask(service.url + path)).body).to.have.property('error', 'invalid_request');
    }
    for (const path of ['/auth', '/token', '/jwks', '/reg', '/.well-known/openid-configuration', '/session/end']) {
      expect((await fetch(service.url + path)).status).to.equal(404);
    }
  });

  it('leaves every other route alone', async () => {
    const response = await fetch(`${service.url}/elsewhere`);
    expect(await response.text()).to.equal('elsewhere');
    expect(response.headers.has('vary')).to.equal(false);
  });
});

describe('An authorization server', () => {
  const service = running();

  it('says temporarily_unavailable where the applications cannot be read for too long', async () => {
    await service.registry.close();
    service.now += 5_001;
    const answer = await ask(`${service.url}/o/token/`, {
      method: 'POST',
      headers: basic(BOOTSTRAP.id, BOOTSTRAP.secret),
      body: form(CREDENTIALS),
    });
    expect(answer.status).to.equal(503);
    expect(answer.body.error).to.equal('temporarily_unavailable');
    expect(answer.headers.get('retry-after')).to.equal('5');
    expect(service.failures).to.have.length(1);
  });

  it('refuses an issuer or bootstrap credentials that could not work', async () => {
    const wrong = [
      { issuer: 'localhost:8000' },
      { issuer: 'https://a.b/?x' },
      { issuer: 'ftp://a.b' },
      { issuer: ISSUER, bootstrap: { id: 'a b', secret: 'x' } },
      { issuer: ISSUER, bootstrap: { id: 'a', secret: '100%' } },
      { issuer: ISSUER, bootstrap: { id: 'a', secret: '' } },
    ];
    for (const options of wrong) {
      let error: unknown;
      await createAuthorization({ registry: service.registry, ...options }).catch(
        (thrown: unknown) => (error = thrown),
      );
      expect(error).to.be.instanceOf(TrackingError).with.property('code', 'invalid');
    }
  });
});

describe('An issuer with a path', () => {
  const service = running({ issuer: 'https://a.b/tracking/' });

  it('has its metadata where RFC 8414 looks for it, and its endpoints below the path', async () => {
    const { body } = await ask(`${service.url}/.well-known/oauth-authorization-server/tracking`);
    expect(body).to.include({ issuer: 'https://a.b/tracking/', token_endpoint: 'https://a.b/tracking/o/token/' });
  });
});
