/** A process for lock.process.test.ts: takes the data directory it is given, says what came of it, and stays until killed. */
import { setTimeout } from 'node:timers/promises';
import { TrackingError } from '../../lib/errors.js';
import { lockDataDirectory } from '../../lib/files/lock.js';

const [directory = '', startAt = '0'] = process.argv.slice(2);
// Several are started at once, and all reach for the directory in the same millisecond.
await setTimeout(Math.max(0, Number(startAt) - Date.now()));
try {
  const lock = await lockDataDirectory(directory);
  lock.serve({
    add: (argument) => Promise.resolve({ sum: (argument as number[]).reduce((sum, each) => sum + each, 0) }),
    refuse: () =>
      Promise.reject(
        new TrackingError('invalid', 'That is no name.', { mistakes: [{ path: 'name', message: 'is empty' }] }),
      ),
    break: () => Promise.reject(new RangeError('a defect')),
    die: () => Promise.resolve(process.kill(process.pid, 'SIGKILL')),
    slow: () => setTimeout(300, 'done'),
    release: () => {
      void lock.release().then(() => process.exit());
      return Promise.resolve('releasing');
    },
  });
  process.send?.({ held: true });
} catch (error) {
  process.send?.({ held: false, message: (error as Error).message }, () => process.exit());
}
