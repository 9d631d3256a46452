import {
  type FunctionConfiguration,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  ResourceNotFoundException,
} from "@aws-sdk/client-lambda";
import { type AutoscaleEnv, autoscaleEnv } from "../../../handlers/lib/settings/autoscale.ts";
import { isOfTheWay } from "../lib/aws-trouble.ts";
import { UserError } from "../lib/errors.ts";
import type { DeskClients } from "./clients.ts";
import { known, look, type Part } from "./part.ts";

/** The loop's function as it is deployed, and its environment. The settings of pools are rows of a table. */
export interface Deployed {
  readonly account: string;
  readonly env: AutoscaleEnv;
  readonly changedAt: Date | undefined;
  /** Why Lambda does not run the function. `undefined`: it does. */
  readonly trouble: string | undefined;
}

/**
 * Reads the settings of the deployed loop, not those of the config file: an operator wants to know what runs. The
 * settings hold ARNs of secrets, and no values.
 *
 * @throws UserError if this account has no such fleet in the region
 */
export function readDeployed(
  { stack, region }: { readonly stack: string; readonly region: string },
  { lambda }: Pick<DeskClients, "lambda">,
): Promise<Part<Deployed>> {
  const FunctionName = `${stack}-autoscale`;
  return look(["lambda:GetFunctionConfiguration"], async () => {
    try {
      return deployedOf(await lambda.send(new GetFunctionConfigurationCommand({ FunctionName })));
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return undefined;
      // Without an answer to the first question there is none to the others.
      if (isOfTheWay(error)) return { unreachable: error };
      throw error;
    }
  }).then((part) => {
    if (!part.known) return part;
    if (part.value && "unreachable" in part.value) throw part.value.unreachable;
    if (part.value) return known(part.value);
    throw new UserError(
      `This account has no function ${FunctionName} in ${region}, so the fleet ${stack} is not deployed there.`,
      `Check AWS_PROFILE and the config's region. To deploy: fleet deploy ${stack}`,
    );
  });
}

/** The keys of its pools. One pool without a key is `undefined`. */
export function keysOf({ env: { POOLS: keys } }: Deployed): readonly (string | undefined)[] {
  return keys ?? [undefined];
}

/** How many copies of the loop Lambda keeps free for it. 0 stops it. `undefined`: the stack's setting, none. */
export function readConcurrency(
  stack: string,
  { lambda }: Pick<DeskClients, "lambda">,
): Promise<Part<number | undefined>> {
  return look(["lambda:GetFunctionConcurrency"], async () => {
    const FunctionName = `${stack}-autoscale`;
    return (await lambda.send(new GetFunctionConcurrencyCommand({ FunctionName }))).ReservedConcurrentExecutions;
  });
}

function deployedOf(found: FunctionConfiguration): Deployed {
  const { Environment: { Variables, Error: failure } = {}, FunctionArn = "", LastModified } = found;
  if (failure) throw new Error(`Lambda cannot decrypt the loop's settings: ${failure.Message ?? failure.ErrorCode}`);
  const env = autoscaleEnv.safeParse(Variables ?? {});
  if (!env.success) {
    const names = [...new Set(env.error.issues.map(({ path }) => String(path[0])))].join(", ");
    throw new Error(`the deployed loop is of another version: its ${names} cannot be understood. Deploy the stack`);
  }
  return {
    account: FunctionArn.split(":")[4] ?? "",
    env: env.data,
    changedAt: LastModified === undefined ? undefined : new Date(LastModified),
    trouble: troubleOf(found),
  };
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html; `Inactive` is a sleeping function, and runs. */
function troubleOf({ State, StateReason, LastUpdateStatus, LastUpdateStatusReason }: FunctionConfiguration) {
  if (State === "Failed") return `state Failed: ${StateReason ?? "AWS gives no reason"}`;
  if (LastUpdateStatus === "Failed")
    return `its last update failed: ${LastUpdateStatusReason ?? "AWS gives no reason"}`;
  return undefined;
}
