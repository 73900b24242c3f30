import { SingleBar } from 'cli-progress';
import type { TrackingClient } from '../client.js';
import { FLIGHTS, type FlightIdentity, flightLines, openFlights } from './dataset.js';

const EVENTS_PER_REQUEST = 10_000;
/** While one request is being written the next is on its way. */
const REQUESTS_AT_ONCE = 3;

/**
 * Sends all flights as events, with a progress bar in a terminal.
 * @returns how many seconds it took
 */
export async function loadFlights(client: TrackingClient, identity: FlightIdentity): Promise<number> {
  const connection = await openFlights();
  const bar = new SingleBar({
    format: 'sending flights {bar} {percentage}% {value}/{total}, {eta_formatted} left',
    // Where it goes to a file, a line now and then.
    noTTYOutput: true,
    notTTYSchedule: 10_000,
  });
  const start = performance.now();
  bar.start(FLIGHTS, 0);
  const underWay = new Set<Promise<void>>();
  for await (const { lines, count } of flightLines(connection, EVENTS_PER_REQUEST, identity)) {
    const sent = client.track(lines).then(() => {
      bar.increment(count);
      underWay.delete(sent);
    });
    underWay.add(sent);
    if (underWay.size === REQUESTS_AT_ONCE) await Promise.race(underWay);
  }
  await Promise.all(underWay);
  bar.stop();
  connection.closeSync();
  return (performance.now() - start) / 1000;
}
