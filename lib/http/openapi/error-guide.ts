import type { ErrorCode } from '../../errors.js';

/** What people are told of an error, beside its status and title. */
export interface ErrorAdvice {
  readonly meaning: string;
  /** What to do. */
  readonly remedy: string;
}

/** A page of words for each way in which the service says no. */
export const errorGuide: Readonly<Record<ErrorCode, ErrorAdvice>> = {
  invalid: {
    meaning:
      'The body, a header, the address or one of its parameters is not what it has to be. Nothing was stored or deleted. What is no HTTP/1.1 request at all is answered so too, with 400, 408, 413 or 431.',
    remedy:
      'Read `detail`, and `errors` where there are several mistakes: each names the event by `index`, the place in it or the parameter by `path`, and what would be right. Sent again unchanged, the request fails again.',
  },
  unauthenticated: {
    meaning:
      'There is no bearer token in the `Authorization` header, or it is malformed, has expired, was issued elsewhere, or its application has been removed.',
    remedy:
      'Ask `POST /o/token/` for a new token and send it as `Authorization: Bearer TOKEN`. The header `WWW-Authenticate` says which of these it was.',
  },
  forbidden: {
    meaning:
      'The token is good, but does not reach so far: its application lacks the scope, or may not write to or delete from that namespace. Nothing was stored or deleted.',
    remedy:
      'Where a scope is lacking, `WWW-Authenticate` names it: ask for a token with it, or have the application registered with it. Where `errors` names namespaces, send those events with another application.',
  },
  'not-found': {
    meaning: 'There is no such path. An unknown namespace or name is no error: it has no events, so the list is empty.',
    remedy:
      'Compare the path with the list of operations; `detail` may name the one that was meant. A slash inside a name is written `%2F`.',
  },
  'method-not-allowed': {
    meaning: 'The path is there, but not for this method.',
    remedy: 'Use one of the methods that the header `Allow` lists.',
  },
  'not-acceptable': {
    meaning: 'The header `Accept` names no format in which aggregates are answered.',
    remedy: 'Accept `application/json`, `text/csv` or `application/x-ndjson`, or leave the header out.',
  },
  'too-large': {
    meaning: 'The request has more events or more bytes (as sent or inflated) than one may carry. Nothing was stored.',
    remedy: 'Send the events in several requests; `detail` says how many fit.',
  },
  'unsupported-media-type': {
    meaning: 'The `Content-Type`, its charset or the `Content-Encoding` of the body is none that is read here.',
    remedy: 'Send JSON or NDJSON in UTF-8, as it is or as gzip; `detail` lists the media types.',
  },
  unprocessable: {
    meaning:
      'The request is well formed, but the question has too many windows or groups to be answered, or the database will never take some of the events.',
    remedy:
      'For a question, ask for the granularity that `detail` names, for a shorter range, or for fewer groups. For events, those in `errors` were not stored and all others were: send the others no more.',
  },
  'too-many-requests': {
    meaning:
      'One application sends faster than the store takes it, and has its share of what may wait already. Nothing of this request was stored.',
    remedy: 'Wait as many seconds as the header `Retry-After` says, then send the same request again.',
  },
  internal: {
    meaning: 'A defect of the service. What went wrong is in its log, and nowhere else.',
    remedy: 'Tell whoever runs the service the `requestId`. Events of such a request may or may not be stored.',
  },
  unavailable: {
    meaning:
      'The store cannot take or answer this now: it is away, full, too slow, or the service is stopping. Events were not acknowledged; `detail` says where they may be stored all the same.',
    remedy:
      'Send the same request again, after the seconds of `Retry-After` where it has that header. With an `id` for each event, an `Idempotency-Key` or `identity=timestamp` the events count once however often they are sent. `/ready` says what is missing.',
  },
};
