import { readFile } from 'node:fs/promises';
import { type Figure, Rates, type Source } from './figure.js';

/** What goes over each network interface a second, from /proc/net/dev; the loopback interface is no network. */
export function networks(file = '/proc/net/dev'): Source {
  const rates = new Rates();
  return async (seconds) => {
    const figures = (await readFile(file, 'latin1')).split('\n').flatMap((line) => {
      const colon = line.indexOf(':');
      const name = line.slice(0, colon).trim();
      const counters = line
        .slice(colon + 1)
        .trim()
        .split(/\s+/)
        .map(Number);
      if (colon < 0 || name === 'lo' || counters.every((count) => count === 0)) return [];
      const grown = rates.of(name, counters, seconds);
      return grown === undefined ? [] : trafficOf(name, grown);
    });
    rates.done();
    return figures;
  };
}

/** @param rates - the columns of /proc/net/dev: eight of what was received, eight of what was sent */
function trafficOf(name: string, rates: readonly number[]): Figure[] {
  const tags = { interface: name };
  const at = (index: number): number => rates[index] ?? 0;
  return [
    { name: 'networkReceivedBytes', value: at(0), tags },
    { name: 'networkSentBytes', value: at(8), tags },
    { name: 'networkReceivedPackets', value: at(1), tags },
    { name: 'networkSentPackets', value: at(9), tags },
    { name: 'networkErrors', value: at(2) + at(10), tags },
    { name: 'networkDrops', value: at(3) + at(11), tags },
  ];
}
