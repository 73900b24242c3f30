import { currentLoad, fsSize, networkStats, processes } from 'systeminformation';
import { percent, type Source } from './figure.js';

/** The figures where there is no /proc, as far as systeminformation has them; it starts programs for them. */
export const elsewhere: readonly Source[] = [
  async () => {
    const load = await currentLoad();
    return [
      { name: 'cpuUtilization', value: load.currentLoad },
      { name: 'cpuUser', value: load.currentLoadUser },
      { name: 'cpuNice', value: load.currentLoadNice },
      { name: 'cpuSystem', value: load.currentLoadSystem },
      { name: 'cpuIdle', value: load.currentLoadIdle },
    ];
  },
  async () =>
    (await fsSize()).flatMap(({ mount, size, used, available }) => [
      { name: 'totalDisk', value: size, tags: { mount } },
      { name: 'availableDisk', value: available, tags: { mount } },
      { name: 'usedDisk', value: used, tags: { mount } },
      { name: 'diskUtilization', value: percent(used, used + available), tags: { mount } },
    ]),
  async (seconds) =>
    (await networkStats()).flatMap(({ iface, rx_sec: received, tx_sec: sent }) =>
      seconds === undefined
        ? []
        : [
            { name: 'networkReceivedBytes', value: received, tags: { interface: iface } },
            { name: 'networkSentBytes', value: sent, tags: { interface: iface } },
          ],
    ),
  async () => [{ name: 'processCount', value: (await processes()).all }],
];
