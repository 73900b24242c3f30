/** A right event with everything that one may have. */
export const EVENT = {
  namespace: 'Server-1',
  name: 'cpu',
  timestamp: '2020-11-12T11:10:00Z',
  value: 42,
  tags: { host: 'a' },
  id: '1',
};

/** A right CloudEvent, structured. */
export const ORDER = {
  specversion: '1.0',
  id: 'o-1',
  source: '/shop/berlin',
  type: 'order.placed',
  time: '2020-11-12T11:10:00Z',
  subject: 'shoes',
  region: 'eu',
  data: { value: 42.5, order: { total: 99 } },
};
