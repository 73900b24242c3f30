import { readdir, readFile, statfs } from 'node:fs/promises';
import { type Figure, percent, Rates, type Source } from './figure.js';

/** File systems whose answer may never come: those of other machines, and of programs. */
const REMOTE = /^(?:nfs|cifs|smb|ceph|gluster|9p|afs|fuse(?!blk))/;
/** What holds no disk of its own: files, memory, and discs. */
const NO_DISK = /^(?:loop|ram|zram|fd|sr|nbd)\d/;

/** A mounted file system. */
export interface Mount {
  readonly device: string;
  readonly path: string;
}

/** How full each local file system is, as `df` says it. */
export function fileSystems(file = '/proc/self/mounts'): Source {
  return async () => {
    const figures: Figure[] = [];
    // One after the other: where disks hang, each look takes one of the four threads that Node.js has for files.
    for (const mount of mountsIn(await readFile(file, 'utf8'))) figures.push(...(await fullness(mount)));
    return figures;
  };
}

/** The local file systems of a table of mounts (fstab(5)), each device once, by its shortest path. */
export function mountsIn(table: string): Mount[] {
  const mounts = new Map<string, Mount>();
  for (const line of table.split('\n')) {
    const [device = '', escaped = '', type = ''] = line.split(' ');
    const local = (/^\/dev\/(?!loop)/.test(device) || type === 'zfs' || escaped === '/') && !REMOTE.test(type);
    if (!local) continue;
    const path = escaped.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
    const known = mounts.get(device);
    if (known === undefined || path.length < known.path.length) mounts.set(device, { device, path });
  }
  return [...mounts.values()];
}

async function fullness({ path }: Mount): Promise<Figure[]> {
  const found = await statfs(path).catch(() => undefined);
  if (found === undefined || found.blocks === 0) return [];
  const { bsize, blocks, bfree, bavail } = found;
  const used = blocks - bfree;
  const tags = { mount: path };
  return [
    { name: 'totalDisk', value: blocks * bsize, tags },
    { name: 'availableDisk', value: bavail * bsize, tags },
    { name: 'usedDisk', value: used * bsize, tags },
    // What is kept for root is not there for others, so `df` leaves it out.
    { name: 'diskUtilization', value: percent(used, used + bavail), tags },
  ];
}

const SECTOR = 512; // bytes, whatever the disk has: Documentation/admin-guide/iostats.rst

/** What goes to and from each disk a second, from /proc/diskstats. */
export function diskTraffic(file = '/proc/diskstats', folder = '/sys/block'): Source {
  const rates = new Rates();
  return async (seconds) => {
    const whole = new Set(await readdir(folder).catch(() => []));
    const figures = (await readFile(file, 'latin1')).split('\n').flatMap((line) => {
      const [, , device = '', ...columns] = line.trim().split(/\s+/);
      // Partitions are in the figures of their disk; a device without any traffic since the start is none that matters.
      const [reads = 0, , sectorsRead = 0, , writes = 0, , sectorsWritten = 0, , , busy = 0] = columns.map(Number);
      if (!whole.has(device) || NO_DISK.test(device) || reads + writes === 0) return [];
      const grown = rates.of(device, [reads, writes, sectorsRead * SECTOR, sectorsWritten * SECTOR, busy], seconds);
      return grown === undefined ? [] : trafficOf(device, grown);
    });
    rates.done();
    return figures;
  };
}

function trafficOf(device: string, [reads = 0, writes = 0, read = 0, written = 0, busy = 0]: number[]): Figure[] {
  const tags = { device };
  return [
    { name: 'diskReads', value: reads, tags },
    { name: 'diskWrites', value: writes, tags },
    { name: 'diskReadBytes', value: read, tags },
    { name: 'diskWrittenBytes', value: written, tags },
    { name: 'diskBusy', value: percent(busy, 1000), tags },
  ];
}
