import { mem } from 'systeminformation';
import { percent, type Source } from './figure.js';

/** Memory and swap. What is used is what is not available: the cache, which gives way to programs, is not. */
export const memory: Source = async () => {
  const { total, available, swaptotal, swapused } = await mem();
  const used = total - available;
  return [
    { name: 'totalMemory', value: total },
    { name: 'availableMemory', value: available },
    { name: 'usedMemory', value: used },
    { name: 'memoryUtilization', value: percent(used, total) },
    { name: 'totalSwap', value: swaptotal },
    { name: 'usedSwap', value: swapused },
    { name: 'swapUtilization', value: percent(swapused, swaptotal) },
  ];
};
