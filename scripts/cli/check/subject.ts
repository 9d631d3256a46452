import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { EC2Client } from "@aws-sdk/client-ec2";
import { GetFunctionConfigurationCommand, LambdaClient, ResourceNotFoundException } from "@aws-sdk/client-lambda";
import { ServiceQuotasClient } from "@aws-sdk/client-service-quotas";
import { SSMClient } from "@aws-sdk/client-ssm";
import { STSClient } from "@aws-sdk/client-sts";
import { clientOptions } from "../../../handlers/lib/aws/client-options.ts";
import { signedCall } from "../../../handlers/lib/aws/signed-call.ts";
import type { LoadedStack } from "../../../stacks/config/load.ts";
import { couldNotLook, type Finding } from "../desk/doctor/finding.ts";
import { look, type Part } from "../desk/part.ts";
import type { Context } from "../lib/context.ts";
import type { TerraformStack } from "../lib/terraform-json.ts";

/** A stack that is to be checked: its config, and what it would make. */
export interface Subject {
  readonly stack: LoadedStack;
  readonly made: TerraformStack;
}

/** The AWS that checks ask. All of it is read, nothing is changed. */
export interface CheckClients {
  readonly cloudwatch: CloudWatchClient;
  readonly ec2: EC2Client;
  readonly lambda: LambdaClient;
  readonly quotas: ServiceQuotasClient;
  readonly ssm: SSMClient;
  readonly sts: STSClient;
  /** Asks ECR, see {@link signedCall}. */
  readonly ecr: (action: string, input: Readonly<Record<string, string | object>>) => Promise<string>;
}

/** What checks have besides a subject. */
export interface CheckDeps {
  readonly context: Context;
  readonly clients: CheckClients;
  /** Sends an unsigned message to a webhook. Resolves to the HTTP status. */
  readonly knock: (url: string) => Promise<number>;
}

/** What came out: what is wrong, and what no look before a deploy can say. */
export interface Outcome {
  readonly findings: readonly Finding[];
  /** Sentences. */
  readonly notes: readonly string[];
}

/** Clients for a region, with the credentials of the AWS SDK's usual places. */
export function checkClientsIn(region: string, env: Context["env"]): CheckClients {
  const options = { ...clientOptions, region };
  const sts = new STSClient(options);
  return {
    cloudwatch: new CloudWatchClient(options),
    ec2: new EC2Client(options),
    lambda: new LambdaClient(options),
    quotas: new ServiceQuotasClient(options),
    ssm: new SSMClient(options),
    sts,
    ecr: async (action, input) =>
      signedCall({ region, env, credentials: await sts.config.credentials() }, "ecr", action, input),
  };
}

/** Runs one look. If AWS refuses it or does not answer, that is a finding. */
export async function looking(
  part: string,
  rights: readonly string[],
  read: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const found = await look(rights, read);
  return found.known ? found.value : [couldNotLook(part, found.why, found.todo)];
}

/** Whether the stack's function of this kind is deployed in the account. */
export function isDeployed(
  { stack }: Subject,
  { lambda }: Pick<CheckClients, "lambda">,
  kind: "autoscale" | "webhook" = "autoscale",
): Promise<Part<boolean>> {
  return look(["lambda:GetFunctionConfiguration"], async () => {
    try {
      await lambda.send(new GetFunctionConfigurationCommand({ FunctionName: `${stack.name}-${kind}` }));
      return true;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return false;
      throw error;
    }
  });
}
