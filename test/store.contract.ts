import { aggregates } from './contract/aggregates.js';
import { calendars } from './contract/calendars.js';
import { deletion } from './contract/deletion.js';
import { deliveries } from './contract/deliveries.js';
import { exporting } from './contract/exporting.js';
import { identity } from './contract/identity.js';
import { latest } from './contract/latest.js';
import { lifecycle } from './contract/lifecycle.js';
import { listing } from './contract/listing.js';
import { names } from './contract/names.js';
import type { Subject } from './contract/subject.js';

/** What `store.ts` promises, held against one kind of store (or a wrapper around one). */
export function storeContract(subject: Subject): void {
  describe(`${subject.name} keeps the contract of a store`, () => {
    identity(subject);
    names(subject);
    aggregates(subject);
    calendars(subject);
    listing(subject);
    latest(subject);
    deletion(subject);
    exporting(subject);
    deliveries(subject);
    lifecycle(subject);
  });
}
