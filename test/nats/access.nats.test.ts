import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { temporaryFolder } from '../servers/lifetime.js';
import { OwnNatsServer } from '../servers/nats.js';
import { ServiceProcess } from '../servers/service.js';
import { until } from './consumers.js';
import { queuesForSuite } from './queues.js';

const run = promisify(execFile);

describe('who may reach NATS, and how', function () {
  this.timeout('2m');
  const { server, openAt } = queuesForSuite();

  it('is a user with any password in the URL, or a token', async () => {
    for (const [lines, credentials] of [
      ['authorization { user: "me", password: "p@ss/w:rd" }', 'me:p%40ss%2Fw%3Ard@'],
      ['authorization { token: "t@ken" }', 't%40ken@'],
    ] as const) {
      const own = await OwnNatsServer.start({ configuration: lines });
      const queue = openAt({ url: own.url.replace('//', `//${credentials}`) });
      await queue.established(20_000);
      const refused = openAt({ url: own.url.replace('//', '//me:wrong@') });
      await until(async () =>
        (await refused.check().then(String, String)).endsWith('NATS refuses the user, password or token of NATS_URL.'),
      );
      await Promise.all([queue.close(), refused.close()]);
      await own.stop();
    }
  });

  it('is a client of tls:// that trusts its certificate; one that does not says so', async () => {
    const certificate = await selfSigned();
    const configuration = `tls { cert_file: "${certificate.cert}", key_file: "${certificate.key}" }`;
    const own = await OwnNatsServer.start({ configuration });
    const settings = { QUEUE: 'nats', NATS_URL: own.url.replace('nats:', 'tls:'), NATS_STREAM: server().freshStream() };
    const trusting = await ServiceProcess.start({ ...settings, NODE_EXTRA_CA_CERTS: certificate.cert });
    await until(async () => (await fetch(`${trusting.url}/ready`)).ok);
    expect(await trusting.stop()).to.equal(0);
    const plain = await OwnNatsServer.start();
    const expecting = openAt({ url: plain.url.replace('nats:', 'tls:') });
    await until(async () => (await expecting.check().then(String, String)).includes('NATS does not speak TLS'));
    await expecting.close();
    await plain.stop();
    const doubting = await ServiceProcess.start(settings);
    await until(async () => (await (await fetch(`${doubting.url}/ready`)).text()).includes('NODE_EXTRA_CA_CERTS'));
    expect(await doubting.stop()).to.equal(0);
    await own.stop();
  });
});

/** A key, and a certificate of 127.0.0.1 that only those trust who are told to. */
async function selfSigned(): Promise<{ readonly cert: string; readonly key: string }> {
  const folder = temporaryFolder('certificate');
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('openssl', ['req', '-x509', ...newKey, '-days', '2', ...subject, '-keyout', key, '-out', cert]);
  return { cert, key };
}
