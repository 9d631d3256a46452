import * as z from "zod";
import { json } from "../../../handlers/lib/core/env.ts";
import { SecretUnavailableError, VendorApiError, type VendorApiErrorKind } from "../../../handlers/lib/core/errors.ts";
import { type VendorId, type VendorRuntime, vendorRuntime } from "../../../handlers/lib/settings/vendors.ts";
import { createVendor } from "../../../handlers/lib/vendors/clients.ts";
import type { SecretKey } from "../../../stacks/config/vendors/index.ts";
import { couldNotLook, type Finding } from "../desk/doctor/finding.ts";
import { fetchTo } from "../lib/outbound.ts";
import type { KnownSecret } from "./secrets.ts";
import type { CheckDeps, Outcome, Subject } from "./subject.ts";

/** The variable that gives a token before the stack has one, and what no question to the vendor can say. */
interface Words {
  readonly variable: string | undefined;
  readonly notes: readonly string[];
}
const vendors: Readonly<Partial<Record<VendorId, Words>>> = {
  "hcp-terraform": {
    variable: "TOKEN",
    notes: ["Whether the agent token is of this pool: HCP Terraform shows no token again, only an agent can try it."],
  },
  "azure-devops": {
    variable: "ADO_PAT",
    notes: [
      "Whether the credential may add and delete agents (Agent Pools, read & manage): only a change could try it. It may read the pool.",
    ],
  },
  spacelift: {
    variable: "SPACELIFT_API_KEY_SECRET",
    notes: [
      "Whether the API key may drain workers (Worker Pool: Drain worker): only a change could try it. It may read the pool.",
      "Whether the worker pool's token and private key belong together: only a worker can try them.",
    ],
  },
  semaphore: {
    variable: "SEMAPHORE_AGENT_TYPE_TOKEN",
    notes: [
      "Whether agents may register with the agent type's token: only an agent can try it. It may read the queue.",
    ],
  },
};

const row = json(
  z.object({ part: z.object({ S: z.string() }), document: z.object({ S: json(z.object({ vendor: vendorRuntime })) }) }),
);

/** The vendor's settings for each pool, as the stack writes them into the table that the loop reads. */
function runtimesOf({ made }: Subject): readonly VendorRuntime[] {
  return [...made.resources("aws_dynamodb_table_item").values()].flatMap(({ item }) => {
    const read = row.safeDecode(String(item));
    return read.success && read.data.part.S === "pool" ? [read.data.document.S.vendor] : [];
  });
}

/**
 * Asks the vendor what the loop asks it, with the loop's own client and token: the demand and the agents of each pool. So
 * the address, the token's rights, and the pool's name and id are tried as they will be used. Changes nothing.
 */
export async function vendorFindings(
  subject: Subject,
  secrets: ReadonlyMap<SecretKey, KnownSecret>,
  deps: CheckDeps,
): Promise<Outcome> {
  const loop = [...subject.made.resources("aws_lambda_function").values()].find(
    ({ function_name: name }) => name === `${subject.stack.name}-autoscale`,
  );
  const runtimes = runtimesOf(subject);
  const [vendor] = runtimes;
  if (loop === undefined || vendor === undefined) return { findings: [], notes: [] };
  const variables = (loop.environment as { readonly variables?: Readonly<Record<string, string>> }).variables;
  const arn = variables?.API_TOKEN_SECRET_ARN;
  const { variable, notes }: Words = vendors[vendor.type] ?? { variable: undefined, notes: [] };
  if (arn === undefined) {
    return {
      findings: [],
      notes: ["Whether the pool exists: this fleet has no API token, as demand is notifications.", ...notes],
    };
  }
  const token = tokenOf(arn, subject, secrets) ?? (variable && deps.context.env[variable]);
  if (!token) {
    const todo = `${variable ? `Put it into the variable ${variable}` : "Give it a value"}, or deploy and set the secret first.`;
    return { findings: [couldNotLook("the vendor", "its token has no value yet", todo)], notes };
  }
  const findings: Finding[] = [];
  for (const runtime of runtimes) findings.push(...(await ask(runtime, token, subject, deps)));
  // One wrong token is wrong for each pool.
  const texts = new Set<string>();
  const once = findings.filter(({ what, evidence }) => {
    const text = [what, ...evidence].join("\n");
    return !texts.has(text) && texts.add(text);
  });
  return { findings: once, notes };
}

/** The value of the secret that the loop reads. */
function tokenOf(arn: string, { made }: Subject, secrets: ReadonlyMap<SecretKey, KnownSecret>): string | undefined {
  const name = made.referred(arn)?.block.name;
  const found = [...secrets.values()].find(({ source: { id, jsonKey } }) => {
    const own = jsonKey === undefined ? id : `${id}:${jsonKey}::`;
    return name === undefined ? own === arn || id === arn : id === name;
  });
  return found?.value.known ? found.value.value : undefined;
}

async function ask(
  runtime: VendorRuntime,
  token: string,
  { stack }: Subject,
  { context }: CheckDeps,
): Promise<readonly Finding[]> {
  const { config } = stack;
  const outbound = config.kind === "ecs-fleet" || config.kind === "ec2-fleet" ? config.vendor : undefined;
  const vendor = createVendor(runtime as never, {
    clock: context.clock,
    readToken: () => Promise.resolve(token),
    fetch: fetchTo(context, outbound),
    deadline: deadlineFrom(context),
  });
  const found: Finding[] = [];
  for (const [what, read] of [
    ["the queue", () => vendor.readDemand()],
    ["the agents of the pool", () => vendor.listAgents()],
  ] as const) {
    try {
      await read();
    } catch (error) {
      found.push(explain(error, what));
      if (error instanceof VendorApiError && error.kind === "unauthorized" && error.status === 401) break;
    }
  }
  return found;
}

/** A person waits at the terminal. */
function deadlineFrom({ clock }: CheckDeps["context"]): () => Date {
  const deadline = new Date(clock.now().getTime() + 60_000);
  return () => deadline;
}

const meanings: Readonly<Partial<Record<VendorApiErrorKind, Omit<Finding, "evidence" | "severity">>>> = {
  unauthorized: {
    id: "token-refused",
    what: "The vendor refuses the token: it has expired, was revoked or lacks rights.",
    todo: "Make a token with the rights that the vendor's page in docs/ names, and set it: fleet secret set.",
  },
  "not-found": {
    id: "wrong-pool",
    what: "The vendor does not know the organization or the pool, or the token may not see them.",
    todo: "Correct vendor in the config, or give the token the right to see them.",
  },
  misconfigured: {
    id: "wrong-pool",
    what: "The vendor knows the pool by another name or id.",
    todo: "Correct vendor in the config.",
  },
};

const unreachable = "Check the address in `vendor`, its proxy, and that this machine reaches it.";
const todos: Readonly<Partial<Record<VendorApiErrorKind, string>>> = {
  unavailable: unreachable,
  timeout: unreachable,
  malformed: "Check that the address in `vendor` is the vendor's.",
  "rate-limited": "Wait a minute.",
};

function explain(error: unknown, part: string): Finding {
  if (error instanceof VendorApiError) {
    const meaning = meanings[error.kind];
    if (meaning) return { ...meaning, severity: "error", evidence: [`While it read ${part}: ${error.message}`] };
    return couldNotLook(`${part} at the vendor`, error.message, todos[error.kind]);
  }
  if (error instanceof SecretUnavailableError) return couldNotLook(`${part} at the vendor`, error.message);
  throw error;
}
