import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { getProgram, type Recipe, run } from './program.js';

const VERSION = '0.149.0';

const MANIFEST = `
dist:
  name: otelcol
receivers:
  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/receiver/hostmetricsreceiver v${VERSION}
processors:
  - gomod: go.opentelemetry.io/collector/processor/batchprocessor v${VERSION}
exporters:
  - gomod: go.opentelemetry.io/collector/exporter/otlphttpexporter v${VERSION}
`;

const recipe: Recipe = {
  name: 'otelcol',
  // Another one for other parts.
  version: `${VERSION}-${hash('sha256', MANIFEST).slice(0, 8)}`,
  variable: 'OTELCOL',
  tools: { go: 'golang' },
  duration: 'ten minutes',
  // Which parts one found elsewhere has cannot be told.
  accepts: () => Promise.resolve(false),
  build,
};

/**
 * The path of an OpenTelemetry Collector with host metrics and batches: named in `OTELCOL`, or built with its own builder.
 * @throws Error with a sentence that says what is missing
 */
export function getCollector(): Promise<string> {
  return getProgram(recipe);
}

async function build(folder: string): Promise<string> {
  const environment = { GOBIN: folder, GOFLAGS: '-mod=mod' };
  await run('go', ['install', `go.opentelemetry.io/collector/cmd/builder@v${VERSION}`], { folder, environment });
  const output = path.join(folder, 'collector');
  const manifest = path.join(folder, 'manifest.yaml');
  writeFileSync(manifest, MANIFEST.replace('name: otelcol', `name: otelcol\n  output_path: ${output}`));
  await run(path.join(folder, 'builder'), ['--config', manifest], { folder, environment: { GOFLAGS: '-mod=mod' } });
  return path.join(output, 'otelcol');
}
