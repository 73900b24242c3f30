import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import fc from 'fast-check';
import type { AgentStatus } from '../../lib/agent/status.js';
import { tracking } from '../commands/running.js';
import { forgetPeak, peakOf, residentOf } from '../faults/memory.js';
import { spawnAgent } from '../servers/agent.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { freePort, type ServerProcess } from '../servers/process.js';
import { ServiceProcess } from '../servers/service.js';

const CASES = Number(process.env.TRACKING_CASES ?? 300);
/** 50 MB, in the MiB that the system counts in. */
const MOST = 50e6 / 2 ** 20;
/** The longest datagram that the loopback interface takes. */
const LONGEST = 65_507;

const LINE = 'page.views:1:2|c|@0.5|#env:prod,region:eu';
const characters = fc.constantFrom(...Array.from('ap:|1-.cgmshd@#,\n\r\0_e{é😀'));

const malformed = fc.oneof(
  fc
    .tuple(fc.nat(LINE.length), fc.nat(4), fc.array(characters, { maxLength: 3 }))
    .map(([at, removed, put]) => LINE.slice(0, at) + put.join('') + LINE.slice(at + removed)),
  fc.nat(LINE.length).map((at) => LINE.slice(0, at)),
  fc.array(characters, { maxLength: 60 }).map((all) => all.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
);

const repeated = fc
  .tuple(
    fc.constantFrom(
      ':',
      '|',
      '#',
      ',',
      'a',
      '1',
      '\n',
      'a:1|c\n',
      '@0.1|',
      'é',
      '\0',
      ':1',
      ',k:v',
      '9',
      'a:1|',
      '_e{',
    ),
    fc.constantFrom('', 'a:1|c|#', 'a:', 'a:1|ms|@', 'a:1', 'u:', '_e{'),
    fc.constantFrom('', '|c', '|ms', '|s', '|g', ':1|c'),
  )
  .map(([part, before, after]) => before + part.repeat(Math.floor((LONGEST - 20) / Buffer.byteLength(part))) + after);

/** Names, tags and texts of sets that were not there before. */
const crowd = fc
  .tuple(fc.nat(1e9), fc.constantFrom(10, 100, 1000, 30_000), fc.constantFrom('c', 'g', 'ms', 's'), fc.nat(2))
  .map(([seed, length, kind, where]) => {
    const lines: string[] = [];
    for (let size = 0, index = 0; size < LONGEST - length - 60; index++) {
      const own = `${seed}.${index}${'x'.repeat(length)}`;
      const line = [`${own}:1|${kind}`, `a:1|${kind}|#k:${own}`, `users:${own}|s`][where] ?? '';
      lines.push(line);
      size += line.length + 1;
    }
    return lines.join('\n');
  });

const packet = fc.oneof(
  { weight: 12, arbitrary: malformed },
  { weight: 2, arbitrary: repeated },
  { weight: 1, arbitrary: crowd },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 2000 }) },
);

/** A stream of them says how long they are, may lie, or may not end. */
const streamed = fc.tuple(packet, fc.constantFrom('plain', 'framed', 'lying', 'endless')).map(([content, form]) => {
  const bytes = Buffer.from(content);
  if (form === 'plain') return bytes;
  if (form === 'endless') return Buffer.alloc(300_000, Buffer.concat([Buffer.from('x'), bytes]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(form === 'framed' ? bytes.length : 0xffff);
  return Buffer.concat([length, bytes]);
});

describe('tracking agent with hostile StatsD clients', function () {
  this.timeout(120_000 + CASES * 100);
  let service: ServiceProcess;
  let agent: ServerProcess;
  let buffer: string;
  let port: number;
  let socketPath: string;
  const udp = createSocket('udp4');

  before('an agent that takes what is ordinary', async () => {
    service = await ServiceProcess.start();
    const folder = temporaryFolder('agent');
    [buffer, socketPath, port] = [path.join(folder, 'buffer'), path.join(folder, 'statsd.sock'), await freePort()];
    const statsd = ['--statsd', String(port), '--statsd-socket', socketPath];
    agent = spawnAgent(service, folder, '--buffer', buffer, '--namespace', 'host', '--interval', '1s', ...statsd);
    while ((await value('alive')) !== 1) {
      for (let index = 0; index < 200; index++) {
        await send(
          `alive:1|g\nrequests:1|c|#route:${index % 20}\nlatency:${index}|ms|#route:${index % 20}\nusers:${index}|s`,
        );
      }
      await setTimeout(500);
    }
  });
  after(async () => {
    udp.close();
    await agent.signal('SIGTERM');
    await service.stop();
  });

  function send(content: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      udp.send(content, port, '127.0.0.1', (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }

  function stream(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const client = connect(socketPath);
      // The agent hangs up on what is no StatsD.
      client
        .on('error', () => undefined)
        .once('close', () => {
          resolve();
        });
      client.resume().end(bytes);
    });
  }

  /** The latest value of that name in the service. */
  async function value(name: string): Promise<number | undefined> {
    const response = await fetch(`${service.url}/api/events/host/${name}?granularity=none`, {
      headers: { Authorization: `Bearer ${await service.token()}` },
    });
    const events = (await response.json()) as { readonly value: number }[];
    return events.at(-1)?.value;
  }

  it(`takes what is right among what they send, and no memory for the rest (${CASES} packets and streams)`, async () => {
    const usual = residentOf(agent.pid);
    forgetPeak(agent.pid);
    let sent = 0;
    const property = fc.asyncProperty(packet, streamed, async (content, bytes) => {
      const datagram = Buffer.from(content).subarray(0, LONGEST);
      if (datagram.length > 0) await send(datagram);
      await stream(bytes);
      // What waits in the socket's buffer beyond its size is dropped by the system.
      if (sent++ % 20 === 0) await setTimeout(5);
    });
    await fc.assert(property, { numRuns: CASES, endOnFailure: true });
    while ((await value('alive')) !== 7) {
      await send('alive:7|g');
      await setTimeout(500);
    }
    const growth = peakOf(agent.pid) - usual;
    const { stdout } = await tracking({}, 'agent', 'status', '--buffer', buffer, '--json');
    const { statsd } = JSON.parse(stdout) as AgentStatus;
    if (process.env.TRACKING_CASES !== undefined) {
      console.log(`      ${JSON.stringify(statsd)}; ${growth.toFixed(0)} MiB above ${usual.toFixed(0)} at most`);
    }
    expect(statsd?.malformed).to.be.above(CASES / 2);
    expect(growth).to.be.below(MOST);
    expect(readFileSync(path.join(buffer, '../agent.log'), 'utf8')).not.to.include('"level":"error"');
  });
});
