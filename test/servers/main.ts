import { messageOf } from '../../lib/errors.js';
import { getCollector } from './collector.js';
import { getInfluxd } from './influxd.js';
import { getNatsServer } from './nats-server.js';
import { getToxiproxy } from './toxiproxy-server.js';

/** Gets every server that the tests need, and prints where each is as a line `VARIABLE=/path`. */
const servers: Readonly<Record<string, () => Promise<string>>> = {
  INFLUXD: getInfluxd,
  NATS_SERVER: getNatsServer,
  TOXIPROXY_SERVER: getToxiproxy,
  OTELCOL: getCollector,
};

try {
  for (const [variable, get] of Object.entries(servers)) console.log(`${variable}=${await get()}`);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
