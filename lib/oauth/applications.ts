import { randomBytes } from 'node:crypto';
import Joi from 'joi';
import { type Scope, SCOPES } from '../access.js';
import { type Mistake, TrackingError } from '../errors.js';
import type { Application, Registry } from '../registry.js';
import type { Clock } from './clock.js';
import { LiveApplications } from './live-applications.js';
import { generateSecret, hashSecret } from './secret.js';

/** An application that is to be registered. */
export interface NewApplication {
  readonly name: string;
  /** At least one. */
  readonly scopes: readonly Scope[];
  /** Patterns such as `Server-*`; left out or none: every namespace. */
  readonly namespaces?: readonly string[];
}

/** An application as it is shown: all but the hash of its secret. */
export interface ListedApplication extends Omit<Application, 'secretHash'> {
  /** Whether it comes from the settings and is not kept. */
  readonly bootstrap: boolean;
}

/** The credentials of a bootstrap application, from the settings. */
export interface BootstrapCredentials {
  readonly id: string;
  readonly secret: string;
}

const PATTERN_RULE = '1 to 128 characters without control characters, of which "*" stands for any';

const newApplicationSchema = Joi.object<NewApplication>({
  name: Joi.string()
    .trim()
    .pattern(/^[^\p{Cc}\p{Cs}]{1,128}$/u)
    .required()
    .messages({
      'string.base': 'the name must be a text',
      'string.empty': 'the name must not be empty',
      'string.pattern.base': 'the name must have 1 to 128 characters and no control characters',
      'any.required': 'a name is needed',
    }),
  scopes: Joi.array()
    .items(Joi.string().valid(...SCOPES))
    .min(1)
    .required()
    .messages({
      'any.only': `"{#value}" is no scope (there are ${SCOPES.join(', ')})`,
      'string.base': `a scope must be one of ${SCOPES.join(', ')}`,
      'string.empty': `a scope must be one of ${SCOPES.join(', ')}`,
      'array.base': 'the scopes must be a list',
      'array.min': `at least one scope is needed (there are ${SCOPES.join(', ')})`,
      'any.required': `scopes are needed (there are ${SCOPES.join(', ')})`,
    }),
  namespaces: Joi.array()
    .items(Joi.string().pattern(/^[^\p{Cc}\p{Cs}]{1,128}$/u))
    .max(100)
    .messages({
      'string.base': `a pattern of namespaces must have ${PATTERN_RULE}`,
      'string.empty': `a pattern of namespaces must have ${PATTERN_RULE}`,
      'string.pattern.base': `a pattern of namespaces must have ${PATTERN_RULE}`,
      'array.base': 'the namespaces must be a list of patterns',
      'array.max': 'there may be at most 100 patterns of namespaces',
    }),
})
  .required()
  .messages({
    'object.base': 'an application has a name, scopes and namespaces',
    'any.required': 'an application has a name, scopes and namespaces',
    'object.unknown': '{#label} is unknown (an application has a name, scopes and namespaces)',
  })
  .prefs({ abortEarly: false });

/** Registers applications, lists and removes them. */
export class Applications {
  /** All of them, for those who look one up at every request. */
  readonly live: LiveApplications;
  private readonly bootstrap: Application | undefined;

  /** @throws TrackingError `invalid` where the bootstrap credentials could not be used */
  constructor(
    private readonly registry: Registry,
    bootstrap?: BootstrapCredentials,
    clock: Clock = Date.now,
  ) {
    this.bootstrap = bootstrap === undefined ? undefined : bootstrapApplication(bootstrap);
    this.live = new LiveApplications(registry, this.bootstrap, clock);
  }

  /**
   * Registers an application; its secret is nowhere to be found again.
   * @param input - a NewApplication, checked here
   * @throws TrackingError `invalid` with every mistake
   */
  async add(input: unknown): Promise<{ readonly application: ListedApplication; readonly secret: string }> {
    const { name, scopes, namespaces = [] } = readNewApplication(input);
    const secret = generateSecret();
    const application: Application = {
      id: generateId(name),
      name,
      secretHash: hashSecret(secret),
      scopes: SCOPES.filter((scope) => scopes.includes(scope)),
      namespaces: [...new Set(namespaces)],
      createdAt: new Date().toISOString(),
    };
    await this.registry.addApplication(application);
    await this.live.changed();
    return { application: this.toListed(application), secret };
  }

  /** All applications, the bootstrap one too. */
  async list(): Promise<ListedApplication[]> {
    await this.live.changed();
    return this.live.list().map((application) => this.toListed(application));
  }

  /**
   * Removes an application; its tokens end at once here, and within 10 seconds on other instances.
   * @throws TrackingError `not-found` for an unknown id, `unprocessable` for the bootstrap application
   */
  async remove(id: unknown): Promise<void> {
    if (typeof id !== 'string') throw new TrackingError('invalid', 'The client_id of the application is needed.');
    if (id === this.bootstrap?.id) {
      throw new TrackingError(
        'unprocessable',
        `${id} comes from the settings. Unset BOOTSTRAP_CLIENT_ID and BOOTSTRAP_CLIENT_SECRET and restart the service to remove it.`,
      );
    }
    const removed = await this.registry.removeApplication(id);
    await this.live.changed();
    if (!removed) throw new TrackingError('not-found', `There is no application with the client_id ${id}.`);
  }

  /** The same for the command line, by name. */
  commands(): Record<string, (argument: unknown) => Promise<unknown>> {
    return {
      'application add': (argument) => this.add(argument),
      'application list': () => this.list(),
      'application remove': (argument) => this.remove(argument),
    };
  }

  private toListed({ secretHash: _, ...application }: Application): ListedApplication {
    return { ...application, bootstrap: application.id === this.bootstrap?.id };
  }
}

/** The application that the settings describe: all scopes, all namespaces, kept in memory alone. */
function bootstrapApplication({ id, secret }: BootstrapCredentials): Application {
  if (!/^[A-Za-z0-9._~-]{1,128}$/.test(id)) {
    throw new TrackingError('invalid', 'BOOTSTRAP_CLIENT_ID must have 1 to 128 characters of A-Z a-z 0-9 - . _ ~.');
  }
  // A percent sign is where clients that encode the credentials of HTTP Basic and those that do not part for good.
  if (!/^[!-$&-~]{1,256}$/.test(secret)) {
    throw new TrackingError(
      'invalid',
      'BOOTSTRAP_CLIENT_SECRET must have 1 to 256 printable ASCII characters, no spaces and no percent signs.',
    );
  }
  const createdAt = new Date().toISOString();
  return { id, name: 'Bootstrap', secretHash: hashSecret(secret), scopes: SCOPES, namespaces: [], createdAt };
}

function readNewApplication(input: unknown): NewApplication {
  const result = newApplicationSchema.validate(input);
  if (result.error === undefined) return result.value;
  const mistakes: Mistake[] = result.error.details.map(({ path, message }) =>
    path.length === 0 ? { message } : { path: path.join('.'), message },
  );
  const words = mistakes.map(({ message }) => message).join('; ');
  throw new TrackingError('invalid', `Nothing was registered: ${words}.`, { mistakes });
}

/** Readable in a log, and unlike every other: `shop-web-3f9c21ab04`. */
function generateId(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 40)
    .replace(/^-+|-+$/g, '');
  return `${words === '' ? 'application' : words}-${randomBytes(5).toString('hex')}`;
}
