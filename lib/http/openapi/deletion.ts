import { aggregationParameters, name, namespace } from './aggregation-parameters.js';
import { answerOf, refusals } from './responses.js';
import { curl } from './samples.js';
import { type Operation, schemaNamed } from './types.js';

const selecting = aggregationParameters.filter((parameter) => ['tsMin', 'tsMax', 'tag.KEY'].includes(parameter.name));

export const deleteEvents: Operation = {
  operationId: 'deleteEvents',
  tags: ['Deletion'],
  summary: 'Delete events',
  description: `Deletes the events of a namespace and name, all of them or those of a range of time and of tags, and answers how many there were. They are gone for good before the answer comes, and no later answer counts them; an unknown namespace or name has none.

A large deletion takes its time, during which writes wait: delete by ranges of time where there are millions. A deleted event that its client sends again is a new one, also with its old \`id\`.`,
  security: [{ oauth2: ['delete'] }],
  parameters: [namespace, name, ...selecting],
  responses: {
    200: answerOf('How many events were deleted.', schemaNamed('Deleted'), { deleted: 1 }),
    ...refusals('invalid', 'unauthenticated', 'forbidden', 'internal', 'unavailable'),
  },
  'x-codeSamples': [
    curl({
      label: 'The events of a host, from a time on',
      method: 'DELETE',
      path: '/api/events/Server-1/memory?tsMin=2020-11-12T11:15:00Z&tag.host=web-1',
    }),
  ],
};
