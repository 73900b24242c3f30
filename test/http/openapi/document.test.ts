import { Validator } from '@seriousme/openapi-schema-validator';
import { expect } from 'chai';
import { Admission } from '../../../lib/admission.js';
import { createApp } from '../../../lib/http/app.js';
import { createLogger } from '../../../lib/log.js';
import { BOOTSTRAP, ask, basic, form, running } from '../../oauth/running.js';
import { ReferenceStore } from '../../reference.js';
import { type Front, SILENT, openFront } from '../front.js';
import { Described, contentOf, examplesIn, isAuthorization, valuesOf } from './described.js';

describe('/openapi.json', () => {
  let front: Front;
  let described: Described;
  before(async () => {
    front = await openFront();
    described = await Described.by(front);
  });
  after(() => front.close());

  it('is read by anybody, from anywhere, and kept for five minutes', async () => {
    const response = await fetch(`${front.url}/openapi.json/`);
    expect(response.headers.get('content-type')).to.equal('application/json; charset=utf-8');
    expect(response.headers.get('access-control-allow-origin')).to.equal('*');
    expect(response.headers.get('cache-control')).to.equal('public, max-age=300');
  });

  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate({ ...described.document })).to.deep.equal({ valid: true });
    expect(validator.version).to.equal('3.1');
  });

  it('refers to all that it defines, and defines all that it refers to', () => {
    const { components } = described.document;
    const references = JSON.stringify(described.document).matchAll(/"\$ref":"#\/components\/(\w+)\/([\w-]+)"/g);
    const defined = (['schemas', 'responses', 'headers'] as const).flatMap((kind) =>
      Object.keys(components[kind]).map((name) => `${kind}/${name}`),
    );
    const used = new Set([...references].map(([, kind = '', name = '']) => `${kind}/${name}`));
    // The shape of a line is said in words only.
    expect([...used, 'schemas/Row']).to.have.members(defined);
  });

  it('names each operation once, in a section that there is', () => {
    const { routes, document } = described;
    expect(new Set(routes.map(({ operation }) => operation.operationId)).size).to.equal(routes.length);
    const sections = new Set(routes.map(({ operation }) => operation.tags[0]));
    expect([...sections]).to.have.members(document.tags.map(({ name }) => name));
  });

  it('has examples that are what its schemas say', () => {
    for (const { operation } of described.routes) {
      const contents = [operation.requestBody?.content ?? {}, ...Object.values(operation.responses).map(contentOf)];
      const media = [...contents.flatMap((content) => Object.values(content)), ...(operation.parameters ?? [])];
      for (const { schema, examples } of media) {
        for (const value of valuesOf(examples)) {
          expect(described.mistakesIn(value, schema), JSON.stringify(value)).to.equal(undefined);
        }
      }
    }
    for (const response of Object.values(described.document.components.responses)) {
      for (const { examples } of Object.values(contentOf(response))) {
        for (const problem of valuesOf(examples)) described.validate('Problem', problem);
      }
    }
  });

  it('has every route of the application, and no other', () => {
    const documented = described.routes
      .filter(({ path }) => !isAuthorization(path))
      .map(({ path, method }) => `${method} ${path.replace(/\/$/, '')}`);
    expect(documented).to.have.members(routesOfApp());
  });

  it('says which routes need a token', async () => {
    for (const { path, method, operation } of described.routes) {
      if (isAuthorization(path)) continue;
      const { status } = await fetch(front.url + path.replace(/[{}]/g, ''), { method: method.toUpperCase() });
      expect(status, path).to.be.oneOf(operation.security.length === 0 ? [200, 204] : [401]);
    }
  });

  it('says which scope they need', async () => {
    for (const { path, method, operation } of described.routes) {
      const [scope] = operation.security.flatMap(({ oauth2 = [] }) => oauth2);
      if (scope === undefined) continue;
      const authorization = `Bearer ${scope === 'write' ? 'reader' : 'writer'}`;
      const response = await front.fetch(path.replace(/[{}]/g, ''), {
        method: method.toUpperCase(),
        headers: { authorization },
      });
      expect(response.headers.get('www-authenticate'), path).to.include(`scope="${scope}"`);
    }
  });

  describe('of the authorization server', () => {
    const authorization = running();

    it('has the paths, the token and the refusal', async () => {
      for (const { path, method } of described.routes.filter(({ path }) => isAuthorization(path))) {
        const { status } = await ask(authorization.url + path, { method: method.toUpperCase() });
        expect(status, path).to.equal(method === 'get' ? 200 : 401);
      }
      const url = `${authorization.url}/o/token/`;
      const body = form({ grant_type: 'client_credentials' });
      const good = await ask(url, { method: 'POST', headers: basic(BOOTSTRAP.id, BOOTSTRAP.secret), body });
      described.validate('Token', good.body);
      const bad = await ask(url, { method: 'POST', headers: basic('nobody', 'x'), body });
      described.validate('OAuthError', bad.body);
      expect(examplesIn(described.operation('getToken'), bad.status)).to.deep.equal([bad.body]);
    });
  });
});

/** `get /api/events/{namespace}`: what the application's router answers, asked of the router itself. */
function routesOfApp(): string[] {
  const app = createApp({
    ingest: { accept: () => Promise.resolve() },
    admission: new Admission(0),
    deleter: { delete: () => Promise.resolve(0) },
    store: new ReferenceStore(),
    authenticator: {
      authenticate: () => Promise.reject(new Error('Nobody asks.')),
      authenticateClient: () => Promise.reject(new Error('Nobody asks.')),
    },
    logger: createLogger({ level: 'error', human: false }),
    meter: SILENT,
    readiness: [],
    cloudEvents: { namespace: 'source', name: 'type', value: 'value', tags: ['*'] },
    lineProtocol: { strings: 'refuse', dropped: () => undefined },
    opentelemetry: {
      choice: { resourceTags: [], tags: null },
      horizon: () => Promise.resolve(() => Promise.resolve()),
    },
    mounts: [],
  });
  const layers = (app.middleware as { router?: { stack: readonly Layer[] } }[]).flatMap(
    ({ router }) => router?.stack ?? [],
  );
  return layers.flatMap(({ methods, path }) =>
    methods
      .filter((method) => method !== 'HEAD')
      .map((method) => `${method.toLowerCase()} ${path.replace(/:(\w+)/g, '{$1}')}`),
  );
}

interface Layer {
  readonly methods: readonly string[];
  readonly path: string;
}
