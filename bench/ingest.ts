import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { influxDB } from '../test/servers/influxdb.js';
import { temporaryFolder } from '../test/servers/lifetime.js';
import { freePort, ServerProcess } from '../test/servers/process.js';
import { FLAGS, influxDBSettings, ServiceProcess } from '../test/servers/service.js';
import { type Shot, median, post, processorPressure } from './wrk.js';

/**
 * Events a second, one a request, each durable when answered, on 256 connections: the service on both stores, with and
 * without a log line a request, beside a bare Koa that stores nothing and beside InfluxDB's own `/api/v2/write` with one
 * point a request. Pairs alternate, and each ratio is the median over the pairs.
 */
const LOAD = { connections: 256, seconds: Number(process.env.SECONDS ?? 6) };
const PAIRS = Number(process.env.PAIRS ?? 5);
const EVENT = '{"namespace":"Server-1","name":"cpu","value":42}';

async function bareKoa(): Promise<Shot> {
  const port = await freePort();
  const program = fileURLToPath(new URL('bare.js', import.meta.url));
  const server = ServerProcess.spawn(
    process.execPath,
    [...FLAGS, program, String(port)],
    path.join(temporaryFolder('bare'), 'bare.log'),
  );
  const shot = jsonShot(`http://127.0.0.1:${port}/`, {});
  await server.ready(async () => {
    await fetch(shot.url, { method: 'POST', headers: shot.headers, body: shot.body });
  });
  return shot;
}

function jsonShot(url: string, headers: Record<string, string>): Shot {
  return { url, headers: { 'Content-Type': 'application/json', ...headers }, body: EVENT };
}

async function service(settings: Record<string, string>): Promise<Shot> {
  const running = await ServiceProcess.start(settings);
  return jsonShot(`${running.url}/api/track/`, { Authorization: `Bearer ${await running.token()}` });
}

async function compare(name: string, ours: Shot, peer: Shot, goal: number): Promise<void> {
  await post(ours, { ...LOAD, seconds: 2 });
  await post(peer, { ...LOAD, seconds: 2 });
  const pairs: { ours: number; peer: number }[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const rate = await post(ours, LOAD);
    pairs.push({ ours: rate, peer: await post(peer, LOAD) });
  }
  const ratio = median(pairs.map((pair) => pair.ours / pair.peer));
  const rates = `${median(pairs.map((pair) => pair.ours)).toFixed(0)}/s beside ${median(pairs.map((pair) => pair.peer)).toFixed(0)}/s`;
  const spread = pairs.map((pair) => (pair.ours / pair.peer).toFixed(2)).join(' ');
  console.log(
    `${name}: ${ratio.toFixed(2)} (goal ${goal}; ${rates}; pairs ${spread}; cpu pressure ${processorPressure()} %)`,
  );
}

const influxdb = await influxDB();
const direct = await influxdb.createBucket();
const point: Shot = {
  url: `${direct.url}/api/v2/write?org=${direct.org}&bucket=${direct.bucket}`,
  headers: { Authorization: `Token ${direct.token}`, 'Content-Type': 'text/plain; charset=utf-8' },
  body: 'Server-1,name=cpu value=42',
};
const bare = await bareKoa();
const onInfluxDB = influxDBSettings(await influxdb.createBucket());
const withLines = { LOG_LEVEL: 'info', ENVIRONMENT_TYPE: 'PRODUCTION' };

const shots = {
  duckdb: await service({}),
  influxdb: await service(onInfluxDB),
};
await compare("on InfluxDB, of InfluxDB's own single points", shots.influxdb, point, 3);
await compare('on DuckDB, of a bare Koa that stores nothing', shots.duckdb, bare, 0.7);
await compare('on InfluxDB, of a bare Koa that stores nothing', shots.influxdb, bare, 0.7);
await compare('on DuckDB with a log line, of a bare Koa', await service(withLines), bare, 0.55);
await compare(
  'on InfluxDB with a log line, of a bare Koa',
  await service({ ...influxDBSettings(await influxdb.createBucket()), ...withLines }),
  bare,
  0.55,
);
process.exit();
