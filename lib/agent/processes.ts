import { readdir } from 'node:fs/promises';
import type { Source } from './figure.js';

/** How many processes there are: the folders of /proc that are named by a number. `ps` would cost a process each time. */
export const processes: Source = async () => {
  const names = await readdir('/proc');
  return [{ name: 'processCount', value: names.filter((name) => /^\d+$/.test(name)).length }];
};
