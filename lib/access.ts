/** What an application may do: `read` lists, `write` tracks, `aggregation` asks, `delete` deletes. */
export const SCOPES = ['read', 'write', 'aggregation', 'delete'] as const;
export type Scope = (typeof SCOPES)[number];

/** What the bearer of a token may do. */
export interface Grant {
  /** The `client_id` of the application. */
  readonly application: string;
  readonly scopes: readonly Scope[];
  /** Patterns such as `Server-*`; none means every namespace. */
  readonly namespaces: readonly string[];
}

export interface Authenticator {
  /**
   * What the bearer of this token may do; at once (not a promise) where the token was seen before.
   * @throws TrackingError `unauthenticated` where the token is malformed, forged, expired or its application removed
   */
  authenticate(token: string): Grant | Promise<Grant>;
  /**
   * What an application may do that brings its own credentials, as agents do that know nothing of tokens.
   * @throws TrackingError `unauthenticated` where there is no such application, or that is not its secret
   */
  authenticateClient(id: string, secret: string): Grant | Promise<Grant>;
}

/** Whether one of the patterns allows the namespace; `*` stands for any characters, and no patterns allow all. */
export function allowsNamespace(patterns: readonly string[], namespace: string): boolean {
  return patterns.length === 0 || patterns.some((pattern) => matchesPattern(pattern, namespace));
}

/** Whether a pattern stands for the text: `*` for any characters, all others for themselves. */
export function matchesPattern(pattern: string, text: string): boolean {
  const [head = '', ...rest] = pattern.split('*');
  if (rest.length === 0) return text === pattern;
  if (!text.startsWith(head)) return false;
  const tail = rest.pop() ?? '';
  let position = head.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - tail.length >= position && text.endsWith(tail);
}
