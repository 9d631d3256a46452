import * as z from "zod";
import { createBlanker } from "../../core/blanker.ts";
import { VendorApiError } from "../../core/errors.ts";
import type { VendorDeps } from "../deps.ts";
import { createHttp } from "../http.ts";
import { type Account, createSession, isUnauthorized } from "./session.ts";

/** One operation of the API. */
export interface Operation {
  /** Name of the operation in messages. */
  readonly name: string;
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Whether it may be sent again without harm if its answer is lost. @default true */
  readonly idempotent?: boolean;
  /** Values in the variables that no message may show. */
  readonly secrets?: readonly string[];
}

/** Sends an operation. Resolves to its data in this shape. Every failure is a {@link VendorApiError}. */
export type Ask = <T>(schema: z.ZodType<T>, operation: Operation) => Promise<T>;

const longestExplanation = 300;
const errorList = z.array(z.object({ message: z.string() }));
const envelope = z.object({ data: z.unknown().optional(), errors: errorList.nullish() });
const refusal = z.object({ errors: errorList.min(1) });

/** Spacelift's GraphQL API. Keep it between passes: it holds a session. */
export function createGraphql(account: Account, deps: VendorDeps): Ask {
  const blanker = createBlanker();
  const authorize = createSession(account, { ...deps, blanker });
  const http = createHttp({
    baseUrl: account.endpoint,
    clock: deps.clock,
    blanker,
    authorize,
    explain,
    timeoutMilliseconds: deps.timeoutMilliseconds,
    deadline: deps.deadline,
    fetch: deps.fetch,
  });

  async function post({ name, query, variables, idempotent = true, secrets }: Operation) {
    const body = { query, variables };
    const request = { method: "POST", path: "/graphql", body, label: name, idempotent, secrets } as const;
    return (await http.json(envelope, request)).body;
  }

  return async (schema, operation) => {
    let { data, errors } = await post(operation);
    if (errors && kindOf(errors) === "unauthorized") {
      // The session ended early: Spacelift reports this with status 200.
      await authorize({ fresh: true });
      ({ data, errors } = await post(operation));
    }
    if (errors && errors.length > 0) {
      throw new VendorApiError(kindOf(errors), `${operation.name}: refused: ${inOneLine(errors)}`);
    }
    const result = schema.safeParse(data);
    if (result.success) return result.data;
    const where = result.error.issues[0]?.path.join(".") || "data";
    throw new VendorApiError("malformed", `${operation.name}: unexpected answer at ${where}`);
  };
}

/** The explanation in a refusal with an error status. */
function explain(body: unknown): string | undefined {
  const parsed = refusal.safeParse(body);
  return parsed.success ? inOneLine(parsed.data.errors) : undefined;
}

function inOneLine(errors: z.output<typeof errorList>): string {
  const text = errors.map(({ message }) => message.replaceAll(/\s+/g, " ")).join("; ");
  return text.slice(0, longestExplanation);
}

function kindOf(errors: z.output<typeof errorList>): "unauthorized" | "invalid" {
  return errors.some(({ message }) => isUnauthorized(message)) ? "unauthorized" : "invalid";
}
