import { Interrupted } from "../lib/errors.ts";

/**
 * One part of a picture: what was read, or why it could not be read. There is no third case, so nothing that was not
 * looked at can pass for healthy.
 */
export type Part<T> = { readonly known: true; readonly value: T } | Unread;

/** A part that could not be read. */
export interface Unread {
  readonly known: false;
  /** One sentence without a full stop. */
  readonly why: string;
}

/** Errors about the caller: with them no part can be read, so one clear error is better than many gaps. */
const aboutTheCaller = new Set([
  "CredentialsProviderError",
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "AuthFailure",
  "UnrecognizedClientException",
]);

/** Nobody answered. */
const unreachable = /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH)/;

/** AWS's names for a missing right. EC2 has one of its own, SNS another. */
const refusals = new Set([
  "AccessDeniedException",
  "AccessDenied",
  "UnauthorizedOperation",
  "AuthorizationError",
  "AuthorizationErrorException",
]);

/** A part that was read. */
export function known<T>(value: T): Part<T> {
  return { known: true, value };
}

/** A part that could not be read. */
export function unread(why: string): Unread {
  return { known: false, why };
}

/**
 * Reads one part. A failure becomes its reason.
 *
 * @param rights the IAM actions that the reading needs, for the reason if AWS refuses it
 * @throws errors about the caller's own credentials, and an interrupt by the caller
 */
export async function look<T>(rights: readonly string[], read: () => Promise<T>): Promise<Part<T>> {
  try {
    return known(await read());
  } catch (error) {
    if (error instanceof Interrupted || (error instanceof Error && aboutTheCaller.has(error.name))) throw error;
    return unread(reasonOf(error, rights));
  }
}

/** A part that is made from another one. */
export async function lookInto<A, T>(
  part: Part<A>,
  rights: readonly string[],
  read: (value: A) => Promise<T>,
): Promise<Part<T>> {
  return part.known ? look(rights, () => read(part.value)) : part;
}

/** The value of a part; `undefined` if it could not be read. */
export function ifKnown<T>(part: Part<T>): T | undefined {
  return part.known ? part.value : undefined;
}

/** Whether AWS refused a call for want of a right. */
export function isRefused(error: unknown): boolean {
  return error instanceof Error && refusals.has(error.name);
}

/** Whether a call got no answer at all. */
export function isUnreachable(error: unknown): boolean {
  return error instanceof Error && "code" in error && unreachable.test(String(error.code));
}

/** Why something could not be read. A refusal names the missing rights. */
export function reasonOf(error: unknown, rights: readonly string[]): string {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const said = message.replaceAll(/\s+/g, " ").replace(/\.$/, "");
  if (isRefused(error)) {
    const action = /perform:? ([a-z0-9-]+:\w+)/i.exec(message)?.[1];
    return `this AWS identity may not do ${action ?? rights.join(", ")}`;
  }
  return `${name === "Error" ? "" : `${name}: `}${said}`;
}
