import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'chai';
import { PACKAGE_FOLDER } from '../../lib/config.js';
import { until } from '../nats/consumers.js';
import { getCollector } from '../servers/collector.js';
import { temporaryFolder } from '../servers/lifetime.js';
import { freePort, ServerProcess } from '../servers/process.js';
import { findOnPath, getProgram, run } from '../servers/program.js';
import { APPLICATION, ServiceProcess } from '../servers/service.js';
import { getOpenTelemetryForPython, getPythonClient } from './programs.js';
import { readmeBlock } from './readme.js';
import { type Stored, storedIn } from './stored.js';

const { id, secret } = APPLICATION;

describe('With the lines of the README', function () {
  this.timeout('2m');
  let service: ServiceProcess;
  before('the programs and the service', async function () {
    this.timeout('20m'); // the programs may have to be built
    for (const get of [getCollector, getOpenTelemetryForPython, getPythonClient, getGoProgram]) await get();
    service = await ServiceProcess.start();
  });
  after(() => service.stop());

  /** What is stored in a namespace as soon as something is. */
  async function storedSoon(namespace: string): Promise<Stored[]> {
    let stored: Stored[] = [];
    await until(async () => (stored = await storedIn(service, namespace)).length > 0);
    return stored;
  }

  /** Runs a program until something has come. */
  async function storedWhile(program: string, args: readonly string[], namespace: string): Promise<Set<string>> {
    const server = ServerProcess.spawn(program, args, path.join(temporaryFolder('readme'), 'program.log'));
    const stored = await storedSoon(namespace);
    await server.signal('SIGTERM');
    return new Set(stored.map(({ name }) => name));
  }

  it('an OpenTelemetry Collector sends', async () => {
    const file = path.join(temporaryFolder('collector'), 'collector.yml');
    const receivers = 'receivers:\n  hostmetrics:\n    collection_interval: 1s\n    scrapers: { memory: }\n';
    writeFileSync(file, receivers + readmeBlock('yaml', 'exporters:', service.url));
    const settings = ['--config', file, '--set', 'service::telemetry::metrics::level=none'];
    expect(await storedWhile(await getCollector(), settings, 'otel')).to.include('system.memory.usage');
  });

  for (const [language, program] of Object.entries({
    JavaScript: () => ['node', '--input-type=module', '-e', OPENTELEMETRY_JS],
    Python: async () => [
      'env',
      `PYTHONPATH=${await getOpenTelemetryForPython()}`,
      'python3',
      '-c',
      OPENTELEMETRY_PYTHON,
    ],
  })) {
    it(`an OpenTelemetry SDK for ${language} sends`, async () => {
      const variables = readmeBlock('sh', 'export OTEL_', service.url);
      const command = (await program()).map(quoted).join(' ');
      await run('bash', ['-c', `${variables}\n${command}`], {
        folder: PACKAGE_FOLDER,
        environment: { OTEL_SERVICE_NAME: `SDK for ${language}` },
      });
      const [stored] = await storedSoon(`SDK for ${language}`);
      expect(stored).to.include({ name: 'orders', value: 3 });
    });
  }

  it('Prometheus writes', async () => {
    const prometheus = findOnPath('prometheus');
    if (prometheus === undefined)
      throw new Error('There is no prometheus here. On Debian: apt-get install prometheus.');
    const folder = temporaryFolder('prometheus');
    const address = `127.0.0.1:${await freePort()}`;
    const scraping = `scrape_configs:\n  - job_name: itself\n    scrape_interval: 1s\n    static_configs:\n      - targets: ['${address}']\n`;
    const file = path.join(folder, 'prometheus.yml');
    writeFileSync(file, scraping + readmeBlock('yaml', 'remote_write:', service.url));
    const names = await storedWhile(
      prometheus,
      [`--config.file=${file}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=${address}`],
      'itself',
    );
    expect(names).to.include('up');
  });

  it("InfluxDB's client for JavaScript writes", async () => {
    const line = readmeBlock('js', 'new InfluxDB(', service.url);
    const program = `
      import { InfluxDB, Point } from '@influxdata/influxdb-client';
      const [CLIENT_ID, CLIENT_SECRET] = ${JSON.stringify([id, secret])};
      const api = ${line}
      api.writePoint(new Point('JavaScript').floatField('number', 1));
      await api.close();`;
    await run('node', ['--input-type=module', '-e', program], { folder: PACKAGE_FOLDER });
    expect((await storedSoon('JavaScript')).map(({ name, value }) => [name, value])).to.deep.equal([['number', 1]]);
  });

  it("InfluxDB's client for Python writes", async () => {
    const program = `
from influxdb_client import InfluxDBClient, Point
CLIENT_ID, CLIENT_SECRET = ${JSON.stringify([id, secret])}
api = ${readmeBlock('python', 'InfluxDBClient(', service.url)}
api.write("any", "any", Point("Python").field("number", 1.0))
api.close()
`;
    await run('python3', ['-c', program], {
      folder: '/',
      environment: { PYTHONPATH: await getPythonClient() },
    });
    expect((await storedSoon('Python')).map(({ name, value }) => [name, value])).to.deep.equal([['number', 1]]);
  });

  it("InfluxDB's client for Go writes", async () => {
    await run(await getGoProgram(), [service.url, id, secret], { folder: '/' });
    expect((await storedSoon('Go')).map(({ name, value }) => [name, value])).to.deep.equal([['number', 1]]);
  });
});

const OPENTELEMETRY_JS = `
  import { setTimeout as sleep } from 'node:timers/promises';
  import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
  import { defaultResource, detectResources, envDetector } from '@opentelemetry/resources';
  import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
  const resource = defaultResource().merge(detectResources({ detectors: [envDetector] }));
  const reader = new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() });
  const provider = new MeterProvider({ resource, readers: [reader] });
  provider.getMeter('readme').createCounter('orders').add(3);
  await sleep(50);
  await provider.shutdown();`;

const OPENTELEMETRY_PYTHON = `
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
provider = MeterProvider(metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
provider.get_meter("readme").create_counter("orders").add(3)
provider.shutdown()`;

/** A program around the README's line in Go, which takes the address and the credentials as arguments. */
function getGoProgram(): Promise<string> {
  const line = readmeBlock('go', 'influxdb2.NewClient(', 'ADDRESS').trim().replace('"ADDRESS"', 'address');
  const source = `package main

import (
	"os"

	influxdb2 "github.com/influxdata/influxdb-client-go/v2"
)

func main() {
	address, clientID, clientSecret := os.Args[1], os.Args[2], os.Args[3]
	api := ${line}
	api.WritePoint(influxdb2.NewPointWithMeasurement("Go").AddField("number", 1.0))
	api.Flush()
}
`;
  return getProgram({
    name: 'readme-go',
    version: `2.14.0-${hash('sha256', source).slice(0, 8)}`,
    variable: 'README_GO',
    tools: { go: 'golang' },
    duration: 'under a minute',
    accepts: () => Promise.resolve(false),
    build: async (folder) => {
      writeFileSync(path.join(folder, 'main.go'), source);
      await run('go', ['mod', 'init', 'client'], { folder });
      await run('go', ['get', 'github.com/influxdata/influxdb-client-go/v2@v2.14.0'], { folder });
      await run('go', ['build', '-o', 'client'], { folder });
      return path.join(folder, 'client');
    },
  });
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
