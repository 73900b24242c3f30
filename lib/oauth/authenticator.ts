import { createLocalJWKSet, errors, type JWTPayload, jwtVerify, type JWK } from 'jose';
import type { Authenticator, Grant, Scope } from '../access.js';
import { SCOPES } from '../access.js';
import { TrackingError } from '../errors.js';
import type { Application } from '../registry.js';
import type { Clock } from './clock.js';
import type { LiveApplications } from './live-applications.js';
import { isSecret } from './secret.js';

const MAX_LENGTH = 4_096;

export interface AuthenticatorOptions {
  /** ES256. */
  readonly publicKeys: readonly JWK[];
  readonly issuer: string;
  readonly applications: LiveApplications;
  /** At most so many verified tokens, about a kilobyte each. */
  readonly rememberedTokens: number;
  readonly clock: Clock;
}

interface Remembered {
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly clientId: string;
  readonly scopes: readonly Scope[];
  /** What the grant was made of. */
  application: Application;
  grant: Grant;
}

/**
 * Checks access tokens (RFC 9068) against our own keys. A token says who was allowed what when it was issued; what its
 * application may do now is looked up each time, so that a change or a removal reaches tokens that are out.
 */
export class TokenAuthenticator implements Authenticator {
  private readonly remembered = new Map<string, Remembered>();
  private readonly keys: ReturnType<typeof createLocalJWKSet>;

  constructor(private readonly options: AuthenticatorOptions) {
    this.keys = createLocalJWKSet({ keys: [...options.publicKeys] });
  }

  authenticate(token: string): Grant | Promise<Grant> {
    const remembered = this.remembered.get(token);
    const refreshing = this.options.applications.refresh();
    if (remembered === undefined || refreshing !== undefined) return this.examine(token, refreshing);
    return this.grantOf(token, remembered);
  }

  authenticateClient(id: string, secret: string): Grant | Promise<Grant> {
    const refreshing = this.options.applications.refresh();
    const check = (): Grant => {
      const application = this.options.applications.find(id);
      if (application !== undefined && isSecret(secret, application.secretHash)) {
        return toGrant(application, application.scopes);
      }
      throw new TrackingError('unauthenticated', 'There is no application with this client id and secret.');
    };
    return refreshing === undefined ? check() : refreshing.then(check);
  }

  private async examine(token: string, refreshing: void | Promise<void>): Promise<Grant> {
    await refreshing;
    const known = this.remembered.get(token);
    if (known !== undefined) return this.grantOf(token, known);
    const { exp = 0, client_id: clientId, scope } = await this.verify(token);
    const application = this.options.applications.find(String(clientId));
    if (application === undefined) throw removedError();
    const asked = typeof scope === 'string' ? scope.split(' ') : [];
    const scopes = SCOPES.filter((each) => asked.includes(each));
    const grant = toGrant(application, scopes);
    this.remember(token, { expiresAt: exp * 1000, clientId: application.id, scopes, application, grant });
    return grant;
  }

  private grantOf(token: string, remembered: Remembered): Grant {
    if (remembered.expiresAt <= this.options.clock()) {
      this.remembered.delete(token);
      throw expiredError();
    }
    const application = this.options.applications.find(remembered.clientId);
    if (application === undefined) {
      this.remembered.delete(token);
      throw removedError();
    }
    if (application !== remembered.application) {
      remembered.application = application;
      remembered.grant = toGrant(application, remembered.scopes);
    }
    return remembered.grant;
  }

  /** The oldest is forgotten first; it only has to be verified again. */
  private remember(token: string, remembered: Remembered): void {
    if (this.remembered.size >= this.options.rememberedTokens) {
      for (const oldest of this.remembered.keys()) {
        this.remembered.delete(oldest);
        break;
      }
    }
    this.remembered.set(token, remembered);
  }

  private async verify(token: string): Promise<JWTPayload> {
    if (token.length > MAX_LENGTH)
      throw new TrackingError('unauthenticated', 'The token is too long to be one of ours.');
    try {
      const { payload } = await jwtVerify(token, this.keys, {
        algorithms: ['ES256'],
        typ: 'at+jwt',
        issuer: this.options.issuer,
        audience: this.options.issuer,
        requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
        currentDate: new Date(this.options.clock()),
      });
      return payload;
    } catch (error) {
      throw toRefusal(error);
    }
  }
}

function toGrant(application: Application, scopes: readonly Scope[]): Grant {
  return {
    application: application.id,
    scopes: scopes.filter((scope) => application.scopes.includes(scope)),
    namespaces: application.namespaces,
  };
}

function toRefusal(error: unknown): TrackingError {
  if (error instanceof errors.JWTExpired) return expiredError();
  if (error instanceof errors.JWTClaimValidationFailed) {
    return refusal(`The token is not for this service: its "${error.claim}" is not right.`, error);
  }
  if (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JOSEAlgNotAllowed
  ) {
    return refusal('The token was not issued by this service.', error);
  }
  if (error instanceof errors.JOSEError) {
    return refusal('The token is malformed: it is not one that /o/token/ has issued.', error);
  }
  return new TrackingError('internal', 'The token could not be checked.', { cause: error });
}

function refusal(message: string, cause: unknown): TrackingError {
  return new TrackingError('unauthenticated', message, { cause });
}

function expiredError(): TrackingError {
  return new TrackingError('unauthenticated', 'The token has expired. Ask /o/token/ for a new one.');
}

function removedError(): TrackingError {
  return new TrackingError('unauthenticated', 'The application that the token was issued to has been removed.');
}
