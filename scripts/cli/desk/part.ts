import * as z from "zod";
import { isOfTheCaller, troubleOf } from "../lib/aws-trouble.ts";
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
  /** What to do about it, in sentences. Left out: nothing that is known. */
  readonly todo?: string | undefined;
}

/** A part that was read. */
export function known<T>(value: T): Part<T> {
  return { known: true, value };
}

/** A part that could not be read. */
export function unread(why: string, todo?: string): Unread {
  return { known: false, why, ...(todo !== undefined && { todo }) };
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
    if (error instanceof Interrupted || isOfTheCaller(error)) throw error;
    return unread(reasonOf(error, rights), troubleOf(error)?.todo);
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

/** Why something could not be read. A refusal names the missing rights. */
export function reasonOf(error: unknown, rights: readonly string[]): string {
  const trouble = troubleOf(error, rights);
  if (trouble) return trouble.why;
  if (error instanceof z.ZodError || error instanceof SyntaxError) return notUnderstood(error);
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const said = message.replaceAll(/\s+/g, " ").replace(/\.$/, "") || "no reason is given";
  return name === "Error" ? said : `AWS says ${name}: ${said}`;
}

/** Answers in none of AWS's forms come from something else, or from a version of AWS's API that we do not know. */
function notUnderstood(error: SyntaxError | z.ZodError): string {
  const fields = error instanceof z.ZodError ? [...new Set(error.issues.map(({ path }) => path.join(".")))] : [];
  return `the answer cannot be understood${fields.length > 0 ? `: look at ${fields.join(", ")} in it` : ": it is not JSON"}`;
}
