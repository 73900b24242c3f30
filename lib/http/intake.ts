import { allowsNamespace } from '../access.js';
import type { Admission } from '../admission.js';
import { TrackingError } from '../errors.js';
import { MAX_MISTAKES_LISTED, type Point } from '../event.js';
import { takeOver } from './admit-body.js';
import { AGENT_ENTRANCE } from './agent-entrance.js';
import { authenticate, grantOf, requireScope } from './authenticate.js';
import { type Compression, readBody, takeBody } from './body.js';
import type { Context, ErrorForm, Middleware } from './context.js';
import type { Authenticator } from '../access.js';

/** What takes the events: `ingest.ts`. */
export interface Acceptor {
  /** Resolves once the points are durable. What is pending leaves when the points have. */
  accept(points: readonly Point[], application: string, pendingBytes: number): Promise<void>;
}

export interface Front {
  readonly ingest: Acceptor;
  readonly admission: Admission;
}

/** What a body was read as. */
export interface Intake {
  readonly points: readonly Point[];
  /** Told in the end whether the points are durable; where not, some may be all the same. */
  readonly conclude?: (durable: boolean) => void;
}

/** A format that events come in. */
export interface IntakeFormat<Read extends Intake> {
  /** @throws TrackingError where the body is not right; nothing of it is stored then */
  read(body: Buffer, ctx: Context): Read | Promise<Read>;
  /** Answers once the points are durable. */
  answer(ctx: Context, read: Read): void;
}

/** A format of programs that were made for other services. */
export interface AgentFormat<Read extends Intake> extends IntakeFormat<Read> {
  /** The media types of the body; left out where its clients say anything or nothing. */
  readonly types?: readonly string[];
  /** What the body may be compressed with; left out: gzip. */
  readonly compressions?: readonly Compression[];
  readonly errorForm: ErrorForm;
}

/** The whole way in for such a format: who may, how much, what it says, and the answer once that is durable. */
export function receive<Read extends Intake>(
  format: AgentFormat<Read>,
  authenticator: Authenticator,
  { ingest, admission }: Front,
): Middleware[] {
  return [
    answerErrorsIn(format.errorForm),
    authenticate(authenticator, AGENT_ENTRANCE),
    requireScope('write'),
    ...readBody(format.types, admission, { compressions: format.compressions }),
    acceptEvents(ingest, format),
  ];
}

function answerErrorsIn(form: ErrorForm): Middleware {
  return function answerErrorsIn(ctx, next) {
    ctx.state.errorForm = form;
    return next();
  };
}

/** Reads the events of the body and answers once they are durable. */
export function acceptEvents<Read extends Intake>(ingest: Acceptor, format: IntakeFormat<Read>): Middleware {
  return async function acceptEvents(ctx) {
    const reading = format.read(takeBody(ctx), ctx);
    // Most are read at once, and then cost no turn of the event loop.
    const read = reading instanceof Promise ? await reading : reading;
    let durable = false;
    try {
      const { application, namespaces } = grantOf(ctx);
      refuseForeignNamespaces(read.points, namespaces);
      await ingest.accept(read.points, application, takeOver(ctx));
      durable = true;
    } finally {
      read.conclude?.(durable);
    }
    ctx.state.events = read.points.length;
    format.answer(ctx, read);
  };
}

/**
 * All or nothing: one event outside the application's namespaces refuses the request. Done for every request; a format
 * that looks something up while it reads does it before as well.
 * @throws TrackingError `forbidden`
 */
export function refuseForeignNamespaces(points: readonly Pick<Point, 'series'>[], patterns: readonly string[]): void {
  if (patterns.length === 0) return;
  const mistakes = points.flatMap(({ series: { namespace } }, index) =>
    allowsNamespace(patterns, namespace)
      ? []
      : [{ index, path: 'namespace', message: `"${namespace}" is outside the application's namespaces` }],
  );
  if (mistakes.length === 0) return;
  throw new TrackingError(
    'forbidden',
    `Nothing was stored: the application may write to ${patterns.join(', ')} alone, and ${mistakes.length} event(s) belong elsewhere.`,
    { mistakes: mistakes.slice(0, MAX_MISTAKES_LISTED), mistakeCount: mistakes.length },
  );
}
