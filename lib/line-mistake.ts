import { TrackingError } from './errors.js';

/** What a line is made of, for whoever wrote one that is not. */
export const SHAPE = 'MEASUREMENT[,TAG=VALUE…] FIELD=VALUE[,FIELD=VALUE…] [TIMESTAMP]';

const MAX_QUOTED = 60;

/** What is wrong with a line, in words that go on behind "line 3". */
export function badLine(words: string): TrackingError {
  return new TrackingError('invalid', words);
}

/** Text of a line as it may stand in a sentence. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text);
}
