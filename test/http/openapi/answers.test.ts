import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Admission } from '../../../lib/admission.js';
import { TrackingError } from '../../../lib/errors.js';
import { ADDRESS } from '../../../lib/http/openapi/samples.js';
import { type Front, openFront, post, problemIn } from '../front.js';
import { Described, examplesIn } from './described.js';

describe('/openapi.json, of what is answered,', () => {
  let front: Front;
  let described: Described;
  before(async () => {
    front = await openFront({ readiness: [{ name: 'store', essential: false, check: () => Promise.resolve() }] });
    described = await Described.by(front);
  });
  after(() => front.close());

  /** Another front door, of one test. */
  let other: Front | undefined;
  afterEach(async () => {
    await other?.close();
    other = undefined;
  });

  const CPU = '/api/events/Real/cpu';

  it('has commands that answer what it shows, one after another', async () => {
    const questions = described.operation('askForAggregates');
    const shown = {
      trackEvents: [{ accepted: 1 }, { accepted: 2 }, { accepted: 1 }, { accepted: 1 }],
      askForAggregates: [...examplesIn(questions), ...examplesIn(questions, 200, 'text/csv')],
      ...Object.fromEntries(
        ['listNamespaces', 'listNames', 'isAlive', 'isReady', 'deleteEvents'].map((id) => [
          id,
          examplesIn(described.operation(id)),
        ]),
      ),
    };
    for (const [id, answers] of Object.entries(shown)) {
      const commands = described.operation(id)['x-codeSamples'] ?? [];
      expect(commands.length, id).to.equal(answers.length);
      for (const [index, { source, label }] of commands.entries()) {
        const { stdout } = await promisify(execFile)('bash', ['-c', source.replaceAll(ADDRESS, front.url)], {
          env: { ...process.env, TOKEN: 'all' },
        });
        const answer: unknown = typeof answers[index] === 'string' ? stdout : JSON.parse(stdout);
        expect(answer, label).to.deep.equal(answers[index]);
      }
    }
  });

  it('describes real answers to questions', async () => {
    await front.track([
      { namespace: 'Real', name: 'cpu', timestamp: 0, value: 1, tags: { host: 'web-1' } },
      { namespace: 'Real', name: 'cpu', timestamp: 7200, value: 2 },
    ]);
    for (const query of [
      '',
      '?aggregationType=avg,stddev,p90',
      '?groupBy=host&fill=null',
      '?groupBy=host&aggregationType=min,max',
      '?granularity=none',
      '?granularity=all',
      '?fill=linear',
    ]) {
      described.validate('Answer', await (await front.fetch(CPU + query)).json());
      const lines = await front.fetch(CPU + query, { headers: { accept: 'application/x-ndjson' } });
      for (const line of (await lines.text()).trimEnd().split('\n')) described.validate('Row', JSON.parse(line));
    }
  });

  it('describes all other real answers', async () => {
    const event = { namespace: 'Real', name: 'memory', value: 1 };
    const answers = {
      Accepted: await front.fetch('/api/track', post(event)),
      Namespaces: await front.fetch('/api/events'),
      Names: await front.fetch('/api/events/Real'),
      Deleted: await front.fetch('/api/events/Real/memory', { method: 'DELETE' }),
      Health: await front.fetch('/health'),
      Readiness: await front.fetch('/ready'),
    };
    for (const [name, response] of Object.entries(answers)) described.validate(name, await response.json());
    other = await openFront({
      readiness: [{ name: 'store', essential: true, check: () => Promise.reject(new Error('It is gone.')) }],
    });
    described.validate('Readiness', await (await other.fetch('/ready')).json());
  });

  it('describes the ways in which the service says no, headers included', async () => {
    const refusals = [
      ['trackEvents', '/api/track', post([{ namespace: 'a' }])],
      ['trackEvents', '/api/track', post('{', { 'content-type': 'text/plain' })],
      ['trackEvents', '/api/track', post({}, { 'content-encoding': 'br' })],
      ['trackEvents', '/api/track', post(new Array(10_001).fill(0))],
      ['trackEvents', '/api/track', post({}, { authorization: 'Bearer reader' })],
      ['askForAggregates', `${CPU}?limit=0&fill=x`, {}],
      ['askForAggregates', CPU, { headers: { accept: 'image/png' } }],
      ['deleteEvents', `${CPU}?tsMin=`, { method: 'DELETE' }],
      ['deleteEvents', CPU, { method: 'DELETE', headers: { authorization: 'Bearer limited' } }],
      ['listNames', '/api/events/a', { headers: { authorization: '' } }],
    ] as const;
    for (const [id, path, init] of refusals) await expectDescribed(id, await front.fetch(path, init));
  });

  it('describes what a service says that is stopping', async () => {
    other = await openFront({
      ingest: { accept: () => Promise.reject(new TrackingError('unavailable', 'Stopping.', { retryAfter: 5 })) },
    });
    const response = await other.fetch('/api/track', post({ namespace: 'a', name: 'b', value: 1 }));
    expect(response.headers.get('retry-after')).to.equal('5');
    await expectDescribed('trackEvents', response);
  });

  it('describes what a service says that has no more room', async () => {
    const admission = new Admission(100_000);
    admission.enter(50_000, 'somebody else');
    other = await openFront({ admission });
    const refused = await other.fetch('/api/track', post('x'.repeat(60_000)));
    expect(refused.status).to.equal(503);
    await expectDescribed('trackEvents', refused);
    await expectDescribed('trackEvents', await other.fetch('/api/track', post('x'.repeat(90_000))));
  });

  async function expectDescribed(id: string, response: Response): Promise<void> {
    const problem = await problemIn(response);
    described.validate('Problem', problem);
    const code = problem.type.slice('/docs/errors#'.length);
    const answer = described.operation(id).responses[String(response.status)];
    expect(answer, `${id} ${response.status}`).to.deep.equal({ $ref: `#/components/responses/${code}` });
    const documented = Object.keys(described.document.components.responses[code]?.headers ?? {});
    const headers = ['Retry-After', 'WWW-Authenticate', 'Accept-Encoding', 'X-Request-Id'];
    const sent = headers.filter((name) => response.headers.has(name));
    expect(documented).to.include.members(sent);
  }
});
