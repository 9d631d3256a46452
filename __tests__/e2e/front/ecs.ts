import * as z from "zod";
import { type Bridges, type Forward, jsonAnswer, withJson } from "./bridge.ts";
import { type Answer, type AwsCall, jsonOf } from "./exchange.ts";

const taskDefinition = z.looseObject({
  containerDefinitions: z.array(z.looseObject({ memoryReservation: z.number().optional() })),
});
const strategy = z.array(z.looseObject({ capacityProvider: z.string() })).default([]);
const clusters = z.object({ clusters: z.array(z.object({ capacityProviders: z.array(z.string()).default([]) })) });

/** The memory for moto of containers that share the task's memory; less than AWS allows. */
const tokenMemory = { memoryReservation: 1 };

/**
 * ECS tasks. moto does not:
 *
 * - run tasks for a capacity provider strategy; if AWS would accept the strategy, moto gets a launch type instead;
 * - run tasks whose containers share the task's memory; moto gets some memory for each;
 * - recognize a client token, which makes a repeated call harmless.
 */
export function ecsTaskBridges(onStarted: (launch: AwsCall["input"]) => void): Bridges {
  const launches = new Map<string, Promise<Answer>>();

  async function launch({ input }: AwsCall, forward: Forward): Promise<Answer> {
    const refusal = await refusalOf(input, forward);
    if (refusal !== undefined) return jsonAnswer(400, { __type: "InvalidParameterException", message: refusal });
    const { capacityProviderStrategy: _, ...rest } = input;
    const answer = await forward({ input: { ...rest, launchType: "FARGATE" } });
    if (answer.status === 200) onStarted(input);
    return answer;
  }

  return {
    "ecs:RunTask": (call, forward) => {
      const token = String(call.input.clientToken);
      const answer = launches.get(token) ?? launch(call, forward);
      launches.set(token, answer);
      return answer;
    },
    "ecs:RegisterTaskDefinition": async ({ input }, forward) => {
      const { containerDefinitions } = taskDefinition.parse(input);
      const given = containerDefinitions.map((each) => ({ ...tokenMemory, ...each }));
      return withoutTokenMemory(await forward({ input: { ...input, containerDefinitions: given } }));
    },
    "ecs:DescribeTaskDefinition": async (_, forward) => withoutTokenMemory(await forward()),
    "ecs:DeregisterTaskDefinition": async (_, forward) => withoutTokenMemory(await forward()),
  };
}

/** The longest client token that AWS accepts. */
const longestToken = 64;

/**
 * Why AWS would run no task: it accepts only the cluster's capacity providers, and no placement strategy on Fargate.
 */
async function refusalOf(input: AwsCall["input"], forward: Forward): Promise<string | undefined> {
  if (String(input.clientToken).length > longestToken) return `clientToken has more than ${longestToken} characters`;
  const named = strategy.parse(input.capacityProviderStrategy).map(({ capacityProvider }) => capacityProvider);
  const asked = await forward({ operation: "DescribeClusters", input: { clusters: [input.cluster] } });
  const known = clusters.parse(jsonOf(asked.body)).clusters.flatMap(({ capacityProviders }) => capacityProviders);
  const stranger = named.find((name) => !known.includes(name));
  if (stranger !== undefined) return `${stranger} is no capacity provider of the cluster`;
  if (input.placementStrategy === undefined || !named.some((name) => name.startsWith("FARGATE"))) return undefined;
  return "Fargate takes no placement strategy";
}

function withoutTokenMemory(answer: Answer): Answer {
  return withJson(answer, (json) => {
    const definition = taskDefinition.parse(json.taskDefinition);
    for (const container of definition.containerDefinitions) {
      if (container.memoryReservation === tokenMemory.memoryReservation) delete container.memoryReservation;
    }
    return { ...json, taskDefinition: definition };
  });
}
