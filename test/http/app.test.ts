import { expect } from 'chai';
import { type Front, openFront, post, problemIn } from './front.js';
import { raw } from './raw.js';

describe('the front door', () => {
  let front: Front;
  beforeEach(async () => {
    front = await openFront();
  });
  afterEach(() => front.close());

  function challenge(response: Response): string | null {
    return response.headers.get('www-authenticate');
  }

  describe('credentials', () => {
    it('asks who brings none for a bearer token, without naming an error', async () => {
      for (const authorization of ['', 'Basic YTpi', 'Bearerall', 'all']) {
        const response = await front.fetch('/api/events', { headers: { authorization } });
        expect(challenge(response)).to.equal('Bearer realm="tracking-api"');
        expect(await problemIn(response)).to.include({ status: 401, type: '/docs/errors#unauthenticated' });
      }
    });

    it('tells who brings a wrong one what is wrong with it', async () => {
      for (const authorization of ['Bearer forged', 'bearer all all', 'Bearer late-forged', 'Bearer']) {
        const response = await front.fetch('/api/events', { headers: { authorization } });
        expect(challenge(response)).to.equal(
          `Bearer realm="tracking-api", error="invalid_token", error_description="The token is 'forged'."`,
        );
        expect(await problemIn(response)).to.include({ status: 401, detail: 'The token is "forged".' });
      }
    });

    it('takes no token from the address', async () => {
      const response = await front.fetch('/api/events?access_token=all', { headers: { authorization: '' } });
      expect((await problemIn(response)).status).to.equal(401);
    });

    it('tells whose token does not reach so far which scope is needed', async () => {
      const needed = [
        ['/api/track/', 'write', 'reader', post([])],
        ['/api/events', 'read', 'writer', {}],
        ['/api/events/a', 'read', 'writer', {}],
        ['/api/events/a/b', 'aggregation', 'reader', {}],
        ['/api/events/a/b', 'delete', 'reader', { method: 'DELETE' }],
      ] as const;
      for (const [path, scope, token, init] of needed) {
        const headers = { ...(init as { headers?: object }).headers, authorization: `Bearer ${token}` };
        const response = await front.fetch(path, { ...init, headers });
        expect(challenge(response)).to.equal(
          'Bearer realm="tracking-api", error="insufficient_scope", ' +
            `error_description="This needs a token with the scope '${scope}'.", scope="${scope}"`,
        );
        expect((await problemIn(response)).status).to.equal(403);
      }
    });

    it('waits for an authenticator that has to look', async () => {
      const response = await front.fetch('/api/events', { headers: { authorization: 'bearer late-all' } });
      expect(response.status).to.equal(200);
    });
  });

  it('tells what may be meant by a path that is not there', async () => {
    expect(await problemIn(await front.fetch('/api/trak'))).to.include({
      status: 404,
      detail: 'There is nothing at /api/trak. Did you mean /api/track/?',
    });
    expect((await problemIn(await front.fetch('/'))).detail).to.equal(
      'There is nothing at /. What there is stands in /docs.',
    );
    expect((await problemIn(await front.fetch('/v1/traces', { method: 'POST' }))).detail).to.match(
      /only metrics .* at \/v1\/metrics/,
    );
    expect((await problemIn(await front.fetch('/query?q=SHOW+DATABASES'))).detail).to.match(
      /asked for at \/api\/events/,
    );
  });

  it('names the methods of a path', async () => {
    const refused = await front.fetch('/api/track/');
    expect(refused.headers.get('allow')).to.equal('POST, OPTIONS');
    expect((await problemIn(refused)).status).to.equal(405);
    const asked = await front.fetch('/api/events/a/b', { method: 'OPTIONS' });
    expect(asked.status).to.equal(204);
    expect(asked.headers.get('allow')).to.equal('HEAD, GET, DELETE, OPTIONS');
  });

  it('hands on what it does not know, and answers what breaks there', async () => {
    const mounted = await openFront({
      mounts: [
        (ctx, next) => (ctx.path === '/o/token/' ? (ctx.body = 'a token') : next()),
        (ctx, next) => (ctx.path === '/o/broken' ? Promise.reject(new Error('SELECT secret')) : next()),
        (ctx, next) => (ctx.path === '/o/teapot' ? ctx.throw(415, 'No tea.') : next()),
      ],
    });
    expect(await (await mounted.fetch('/o/token/')).text()).to.equal('a token');
    const response = await mounted.fetch('/o/broken');
    const problem = await problemIn(response);
    expect(problem).to.include({ status: 500, requestId: response.headers.get('x-request-id') });
    expect(JSON.stringify(problem)).not.to.match(/SELECT/);
    expect(await problemIn(await mounted.fetch('/o/teapot'))).to.include({ status: 415, detail: 'No tea.' });
    await mounted.close();
    expect(mounted.logged.filter(({ level }) => level === 'error').map(({ message }) => message)).to.deep.equal([
      'SELECT secret',
    ]);
  });

  it('sends the headers that keep answers fresh and harmless', async () => {
    for (const path of ['/health', '/nothing', '/api/events']) {
      const { headers } = await front.fetch(path);
      expect(headers.get('x-content-type-options')).to.equal('nosniff');
      expect(headers.get('cache-control')).to.equal('no-store');
    }
  });

  it('says what to do with an address whose characters were sent as they are, as curl does', async () => {
    const path = Buffer.from('/api/events/Café/view').toString('latin1');
    const answer = await raw(front, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    expect(Buffer.from(answer, 'latin1').toString()).to.match(
      /^HTTP\/1.1 400 [^]*percent-encoded, such as é \(%C3%A9\)/,
    );
  });

  describe('the log', () => {
    it('has a line for each request, with what was accepted and by whom, and no secrets', async () => {
      const event = { namespace: 'a', name: 'b', timestamp: 0, value: 1 };
      await front.fetch('/api/track/?identity=timestamp', post([event, event], { 'x-request-id': 'my-1' }));
      await front.fetch('/api/events/a?token=secret', { headers: { authorization: 'Bearer secret' } });
      await front.close();
      const [tracked, refused] = front.logged.filter(({ message }) => message === 'request');
      expect(tracked).to.include({
        level: 'info',
        requestId: 'my-1',
        method: 'POST',
        path: '/api/track/',
        status: 201,
      });
      expect(tracked).to.include({ application: 'all', events: 2, bytes: JSON.stringify([event, event]).length });
      expect(tracked?.milliseconds).to.be.a('number');
      expect(refused).to.include({ status: 401, path: '/api/events/a' });
      expect(JSON.stringify(front.logged)).not.to.match(/secret/);
    });

    it('makes a request id where none or none sane was sent, and gives it back', async () => {
      for (const sent of ['', 'has space', 'x'.repeat(129), '"quote"']) {
        const { headers } = await front.fetch('/health', { headers: { 'x-request-id': sent } });
        expect(headers.get('x-request-id')).to.match(/^[\da-f]{8}-[\da-f-]{27}$/);
      }
      const { headers } = await front.fetch('/health', { headers: { 'x-request-id': 'abc/1' } });
      expect(headers.get('x-request-id')).to.equal('abc/1');
    });

    it('is not filled by those who watch over the service', async () => {
      await front.fetch('/health');
      await front.fetch('/ready/');
      await front.close();
      expect(front.logged.map(({ level }) => level)).to.deep.equal(['debug', 'debug']);
    });
  });
});

describe('/health and /ready', () => {
  it('say that all is well', async () => {
    const front = await openFront({ readiness: [{ name: 'store', essential: true, check: () => Promise.resolve() }] });
    expect(await (await front.fetch('/health', { headers: { authorization: '' } })).json()).to.deep.equal({
      name: 'tracking-api',
      status: 'pass',
      message: 'The process is alive; /ready says whether it can do its work.',
    });
    expect(await (await front.fetch('/ready/')).json()).to.deep.equal({
      status: 'ready',
      checks: [{ name: 'store', status: 'ready' }],
    });
    await front.close();
  });

  it('say what people should know of what is ready', async () => {
    const check = (): Promise<string> => Promise.resolve('3 dead letter(s).');
    const front = await openFront({ readiness: [{ name: 'queue', essential: true, check }] });
    expect(await (await front.fetch('/ready')).json()).to.deep.equal({
      status: 'ready',
      checks: [{ name: 'queue', status: 'ready', note: '3 dead letter(s).' }],
    });
    await front.close();
  });

  it('say what is not ready and why, also of what gives no answer, and ask once for many', async () => {
    let asked = 0;
    const front = await openFront({
      readiness: [
        { name: 'store', essential: true, check: () => Promise.reject(new Error('InfluxDB is not there.')) },
        { name: 'queue', essential: true, check: () => new Promise(() => asked++) },
      ],
    });
    const responses = await Promise.all([front.fetch('/ready'), front.fetch('/ready')]);
    for (const response of responses) {
      expect(response.status).to.equal(503);
      expect(await response.json()).to.deep.equal({
        status: 'not ready',
        checks: [
          { name: 'store', status: 'not ready', reason: 'InfluxDB is not there.' },
          { name: 'queue', status: 'not ready', reason: 'no answer within 2 s' },
        ],
      });
    }
    expect(asked).to.equal(1);
    await front.close();
  });

  it('say that events are taken although something else is missing, and tell the log where it is', async () => {
    const check = (): Promise<never> =>
      Promise.reject(new Error('InfluxDB is away.', { cause: new Error('at 10.0.0.7') }));
    const front = await openFront({ readiness: [{ name: 'store', essential: false, check }] });
    const response = await front.fetch('/ready');
    expect(response.status).to.equal(200);
    expect(await response.json()).to.deep.equal({
      status: 'degraded',
      checks: [{ name: 'store', status: 'not ready', reason: 'InfluxDB is away.' }],
    });
    await front.fetch('/ready');
    await front.close();
    const told = front.logged.filter(({ message }) => message === 'not ready');
    expect(told).to.have.length(1);
    expect(told[0]).to.include({ check: 'store', reason: 'InfluxDB is away.', cause: 'at 10.0.0.7' });
  });
});
