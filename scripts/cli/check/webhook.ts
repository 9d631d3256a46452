import { GetPolicyCommand, ResourceNotFoundException } from "@aws-sdk/client-lambda";
import * as z from "zod";
import { partitionOf } from "../../../stacks/config/regions.ts";
import { couldNotLook, type Finding } from "../desk/doctor/finding.ts";
import { type CheckDeps, looking, type Subject } from "./subject.ts";

const policy = z.object({
  Statement: z.array(z.object({ Condition: z.record(z.string(), z.record(z.string(), z.string())).optional() })),
});

/**
 * Whether the webhook of a deployed stack answers, and turns an unsigned message away. Our function answers it with 401
 * (handlers/webhook/handler.ts), or with 503 if its key has no value.
 */
export async function webhookFindings(
  { stack, made }: Subject,
  { clients, knock }: CheckDeps,
): Promise<readonly Finding[]> {
  const routes = [...made.resources("aws_apigatewayv2_route").values()];
  const paths = routes.flatMap(({ route_key: key }) => /^POST (\/\S*)$/.exec(String(key))?.[1] ?? []);
  if (paths.length === 0) return [];
  return looking("the webhook", ["lambda:GetPolicy"], async () => {
    const { region } = stack.config;
    const id = await apiOf(`${stack.name}-webhook`, clients);
    if (id === undefined) return [];
    const suffix = partitionOf(region) === "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";
    const lists = await Promise.all(
      paths.map((path) => answerOf(`https://${id}.execute-api.${region}.${suffix}${path}`, stack.name, knock)),
    );
    return lists.flat();
  });
}

/** The API that may call the function. Its id is its address. `undefined`: the stack has no webhook yet. */
async function apiOf(
  FunctionName: string,
  { lambda }: Pick<CheckDeps["clients"], "lambda">,
): Promise<string | undefined> {
  try {
    const { Policy = "" } = await lambda.send(new GetPolicyCommand({ FunctionName }));
    const sources = policy
      .parse(JSON.parse(Policy))
      .Statement.flatMap(({ Condition = {} }) => Object.values(Condition).flatMap((each) => Object.values(each)));
    return sources.map((arn) => /^arn:[^:]+:execute-api:[^:]+:\d+:([^/]+)\//.exec(arn)?.[1]).find(Boolean);
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined;
    throw error;
  }
}

async function answerOf(url: string, stack: string, knock: CheckDeps["knock"]): Promise<readonly Finding[]> {
  let status: number;
  try {
    status = await knock(url);
  } catch (error) {
    return [
      couldNotLook(
        `the webhook ${url}`,
        `no answer: ${causeOf(error)}`,
        "Check that this machine reaches the internet.",
      ),
    ];
  }
  if (status === 401 || status === 403) return [];
  const evidence = [`An unsigned POST to ${url} was answered with ${status}`];
  if (status === 429) {
    const what = "The webhook's throttle turns messages away just now.";
    const todo = "Wait a minute, then look again. If it stays, raise vendor.webhook.throttleRatePerSecond.";
    return [{ id: "webhook-throttled", severity: "warning", what, evidence, todo, section: "webhook-throttled" }];
  }
  if (status === 404) {
    const what = "The webhook does not know its path: the API is not the one of the config.";
    return [
      { id: "webhook-missing", severity: "error", what, evidence, todo: `Deploy the stack: fleet deploy ${stack}` },
    ];
  }
  if (status < 400) {
    const what = "The webhook takes in a message that nobody signed.";
    const todo = `Somebody changed the API or the function. Deploy the stack: fleet deploy ${stack}`;
    return [{ id: "webhook-open", severity: "error", what, evidence, todo }];
  }
  const what = "The webhook fails: it cannot check signatures.";
  const todo = `Its secret may lack a value: fleet secret list ${stack}. Its log: aws logs tail /aws/lambda/${stack}-webhook`;
  return [{ id: "webhook-failing", severity: "error", what, evidence, todo, section: "webhook-failing" }];
}

/** `fetch` hides why it failed in the cause of its error. */
function causeOf(error: unknown): string {
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  return cause instanceof Error ? cause.message : message;
}
