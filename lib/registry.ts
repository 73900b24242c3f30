import type { JWK } from 'jose';
import type { Scope } from './access.js';

/** A confidential client: an application or a server that sends or asks. */
export interface Application {
  /** The `client_id`: 1 to 128 characters of `A-Z a-z 0-9 - . _ ~`. */
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  /** See `oauth/secret.ts`; the secret itself is never kept. */
  readonly secretHash: string;
  readonly scopes: readonly Scope[];
  /** Patterns such as `Server-*`; none means every namespace. */
  readonly namespaces: readonly string[];
  /** RFC 3339. */
  readonly createdAt: string;
}

/** How long the events of some namespaces are kept. */
export interface Retention {
  /** A pattern such as `Server-*`. */
  readonly namespaces: string;
  /** Older ones are deleted. */
  readonly seconds: number;
}

/** What is kept that is not events: durable when a method resolves. */
export interface Registry {
  applications(): Promise<readonly Application[]>;
  /** @throws TrackingError `unprocessable` where the id is taken */
  addApplication(application: Application): Promise<void>;
  /** @returns whether there was one */
  removeApplication(id: string): Promise<boolean>;
  retentions(): Promise<readonly Retention[]>;
  /** Sets the retention of a pattern, in place of the one it had. */
  setRetention(retention: Retention): Promise<void>;
  /** @returns whether there was one */
  removeRetention(namespaces: string): Promise<boolean>;
  /** The private keys that tokens are signed with, newest first; made on first use. */
  signingKeys(): Promise<readonly JWK[]>;
  close(): Promise<void>;
}

/** All that a registry holds. */
export interface RegistryContent {
  readonly applications: readonly Application[];
  /** Private ES256 keys, newest first. */
  readonly signingKeys: readonly JWK[];
  readonly retentions: readonly Retention[];
}

/** What a registry holds now, for a backup: secrets as hashes, keys as they are. */
export async function contentOf(
  registry: Pick<Registry, 'applications' | 'retentions' | 'signingKeys'>,
): Promise<RegistryContent> {
  return {
    applications: await registry.applications(),
    signingKeys: await registry.signingKeys(),
    retentions: await registry.retentions(),
  };
}
