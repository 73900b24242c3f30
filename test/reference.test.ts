import { type Disk, ReferenceStore } from './reference.js';
import { storeContract } from './store.contract.js';

// A judge passes its own court.
storeContract({
  name: 'The reference',
  create: () => {
    const disk: Disk = new Map();
    const positions = new Map<string, number>();
    return Promise.resolve(() => Promise.resolve(new ReferenceStore(disk, positions)));
  },
});
