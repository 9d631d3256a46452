import * as z from "zod";
import { type Bridges, type Forward, withJson } from "./bridge.ts";
import type { Answer, AwsCall } from "./exchange.ts";

type Fields = Readonly<Record<string, unknown>>;

const service = z.looseObject({
  serviceName: z.string(),
  clusterArn: z.string(),
  networkConfiguration: z.looseObject({ awsvpcConfiguration: z.unknown().optional() }).optional(),
});
const answered = z.looseObject({ service: service.optional(), services: z.array(service).optional() });

/** The fields of a service that moto forgets, in addition to its deployment configuration. */
const forgotten = [
  "availabilityZoneRebalancing",
  "capacityProviderStrategy",
  "enableECSManagedTags",
  "enableExecuteCommand",
  "healthCheckGracePeriodSeconds",
  "placementConstraints",
  "placementStrategy",
];

/**
 * ECS services. moto does not:
 *
 * - remember most settings of a service; we do;
 * - leave out the network of a service without one, which the provider checks.
 */
export function ecsServiceBridges(): Bridges {
  const sent = new Map<string, Fields>();

  async function remember({ input }: AwsCall, forward: Forward, key: string, known: Fields): Promise<Answer> {
    const fields = Object.entries(input).filter(([field]) => forgotten.includes(field));
    const deploymentConfiguration = {
      ...Object(known.deploymentConfiguration),
      ...Object(input.deploymentConfiguration),
    };
    const answer = await forward();
    if (answer.status < 300) sent.set(key, { ...known, ...Object.fromEntries(fields), deploymentConfiguration });
    return complete(answer);
  }

  function complete(answer: Answer): Answer {
    const whole = (each: z.output<typeof service>) => {
      const { networkConfiguration, ...rest } = { ...each, ...sent.get(keyOf(each.clusterArn, each.serviceName)) };
      return networkConfiguration?.awsvpcConfiguration ? { ...rest, networkConfiguration } : rest;
    };
    return withJson(answer, (json) => {
      const { service: one, services: many, ...rest } = answered.parse(json);
      return { ...rest, ...(one && { service: whole(one) }), ...(many && { services: many.map(whole) }) };
    });
  }

  return {
    "ecs:CreateService": (call, forward) => {
      const { cluster, serviceName, schedulingStrategy } = call.input;
      const daemon = schedulingStrategy === "DAEMON";
      const deploymentConfiguration = daemon
        ? { maximumPercent: 100, minimumHealthyPercent: 0 }
        : { maximumPercent: 200, minimumHealthyPercent: 100 };
      return remember(call, forward, keyOf(cluster, serviceName), { deploymentConfiguration });
    },
    "ecs:UpdateService": (call, forward) => {
      const key = keyOf(call.input.cluster, call.input.service);
      return remember(call, forward, key, sent.get(key) ?? {});
    },
    "ecs:DescribeServices": async (_, forward) => complete(await forward()),
    "ecs:DeleteService": async (_, forward) => complete(await forward()),
  };
}

/** Callers name clusters and services by name or ARN. */
function keyOf(cluster: unknown, name: unknown): string {
  return [cluster, name].map((each) => String(each).split("/").at(-1)).join("/");
}
