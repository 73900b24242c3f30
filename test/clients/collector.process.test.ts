import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { ExportRequest, PointJson } from '../http/opentelemetry/encoding.js';
import { getCollector } from '../servers/collector.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { ServerProcess } from '../servers/process.js';
import { CREDENTIALS, ServiceProcess } from '../servers/service.js';
import { killAndRestart } from './kills.js';
import { record } from './recorder.js';
import { type Stored, storedIn } from './stored.js';

const CONFIGURATION = `
receivers:
  hostmetrics:
    collection_interval: 300ms
    initial_delay: 0s
    scrapers: { cpu: , memory: , load: , network: , paging: }
exporters:
  otlphttp:
    endpoint: SERVICE
    encoding: ENCODING
    headers: { Authorization: "${CREDENTIALS}" }
    retry_on_failure: { initial_interval: 100ms, max_interval: 500ms }
service:
  telemetry: { metrics: { level: none } }
  pipelines: { metrics: { receivers: [hostmetrics], exporters: [otlphttp] } }
`;

describe('an OpenTelemetry Collector with host metrics', () => {
  it('sends here what it collects: all of it is there, once, though the service is killed', async function () {
    this.timeout(180_000);
    const program = await getCollector();
    const service = await ServiceProcess.start();
    const recorder = await record(service.url);
    const folder = temporaryFolder('collector');
    const file = path.join(folder, 'collector.yml');
    writeFileSync(file, CONFIGURATION.replace('SERVICE', recorder.url).replace('ENCODING', 'json'));
    const collector = ServerProcess.spawn(program, ['--config', file], path.join(folder, 'collector.log'));
    await killAndRestart(service, { times: 3, alive: 1500, dead: 500 });
    await sleep(3000);
    // It sends what it still has before it ends.
    await collector.signal('SIGTERM');
    await recorder.close();
    const stored = await storedIn(service, 'otel');
    await service.stop();
    const { samples, totals } = expectedOf(recorder.bodies);
    expect(samples.size).to.be.greaterThan(50);
    expect(totals.size).to.be.greaterThan(10);
    const there = new Map(stored.map((one) => [`${keyOf(one)} ${one.time}`, one.value]));
    for (const [key, value] of samples) expect(there.get(key), key).to.equal(value);
    const sums = new Map<string, number>();
    for (const one of stored) sums.set(keyOf(one), (sums.get(keyOf(one)) ?? 0) + one.value);
    for (const [key, total] of totals) expect(sums.get(key), key).to.be.closeTo(total, Math.abs(total) * 1e-9);
  });

  it('sends Protocol Buffers in gzip, as it does by itself', async function () {
    this.timeout(60_000);
    const service = await ServiceProcess.start();
    const folder = temporaryFolder('collector');
    const file = path.join(folder, 'collector.yml');
    writeFileSync(file, CONFIGURATION.replace('SERVICE', service.url).replace('ENCODING', 'proto'));
    const collector = ServerProcess.spawn(await getCollector(), ['--config', file], path.join(folder, 'collector.log'));
    let stored: Stored[] = [];
    while (stored.length === 0) {
      await sleep(500);
      stored = await storedIn(service, 'otel');
    }
    await collector.signal('SIGTERM');
    await service.stop();
    expect(new Set(stored.map(({ name }) => name))).to.include.keys('system.memory.usage', 'system.cpu.time');
  });
});

/** What the bodies say: samples at their times, and what each count has come to. */
function expectedOf(bodies: readonly Buffer[]): { samples: Map<string, number>; totals: Map<string, number> } {
  const samples = new Map<string, number>();
  const totals = new Map<string, number>();
  for (const body of bodies) {
    const request = JSON.parse(body.toString()) as ExportRequest;
    for (const { scopeMetrics } of request.resourceMetrics) {
      for (const { name, gauge, sum } of scopeMetrics.flatMap(({ metrics }) => metrics)) {
        const isCount = sum?.isMonotonic === true;
        for (const point of (gauge ?? sum)?.dataPoints ?? []) {
          const key = keyOf({ name, tags: tagsOf(point) });
          const value = Number(point.asDouble ?? point.asInt);
          if (isCount) totals.set(key, Math.max(totals.get(key) ?? 0, value));
          else samples.set(`${key} ${BigInt(point.timeUnixNano ?? 0) / 1_000_000n}`, value);
        }
      }
    }
  }
  return { samples, totals };
}

function tagsOf({ attributes = [] }: PointJson): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value).join()]));
}

function keyOf({ name, tags }: Pick<Stored, 'name' | 'tags'>): string {
  return `${name} ${JSON.stringify(Object.entries(tags).sort())}`;
}
