import { type AutoScalingClient, DescribeAutoScalingInstancesCommand } from "@aws-sdk/client-auto-scaling";
import {
  CreateTagsCommand,
  DescribeInstancesCommand,
  type EC2Client,
  paginateDescribeInstances,
} from "@aws-sdk/client-ec2";
import type { AgentFact, Clock, InstanceGroup } from "../core/ports.ts";
import { leftTag, neverRegisteredTag, registeredTag } from "../settings/asg-capacity.ts";

const tags: { readonly [Fact in AgentFact]: string } = {
  registered: registeredTag,
  "never-registered": neverRegisteredTag,
  left: leftTag,
};

const words: ReadonlySet<string> = new Set(Object.values(tags));

/** The words, the one that counts most first. */
const byWeight: readonly AgentFact[] = ["left", "registered", "never-registered"];

/**
 * The instances of a fleet's Auto Scaling groups. Auto Scaling forgets an instance when it is terminated. Tags store an
 * instance's reports about its agent, and the loop reads them there.
 */
export function createInstanceGroup(
  groups: readonly string[],
  {
    autoScaling,
    ec2,
    clock,
  }: { readonly autoScaling: AutoScalingClient; readonly ec2: EC2Client; readonly clock: Clock },
): InstanceGroup {
  return {
    async has(instanceId) {
      const query = new DescribeAutoScalingInstancesCommand({ InstanceIds: [instanceId] });
      const { AutoScalingInstances = [] } = await autoScaling.send(query);
      return AutoScalingInstances.some(
        (known) => known.InstanceId === instanceId && groups.includes(known.AutoScalingGroupName ?? ""),
      );
    },

    async note(instanceId, fact) {
      const tag = { Key: tags[fact], Value: fact === "registered" ? "true" : clock.now().toISOString() };
      await unlessUnknown(() => ec2.send(new CreateTagsCommand({ Resources: [instanceId], Tags: [tag] })));
    },

    async wordOf(instanceId) {
      const query = new DescribeInstancesCommand({ InstanceIds: [instanceId] });
      const answer = await unlessUnknown(() => ec2.send(query));
      const instances = answer?.Reservations?.flatMap(({ Instances = [] }) => Instances) ?? [];
      const own = instances.find(({ InstanceId }) => InstanceId === instanceId);
      return byWeight.find((fact) => own?.Tags?.some(({ Key }) => Key === tags[fact]));
    },

    async starting() {
      const query = {
        Filters: [
          { Name: "tag:aws:autoscaling:groupName", Values: [...groups] },
          { Name: "instance-state-name", Values: ["pending", "running"] },
        ],
      };
      let starting = 0;
      for await (const { Reservations = [] } of paginateDescribeInstances({ client: ec2, pageSize: 1000 }, query)) {
        const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
        starting += instances.filter(({ Tags = [] }) => !Tags.some(({ Key = "" }) => words.has(Key))).length;
      }
      return starting;
    },
  };
}

async function unlessUnknown<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof Error && error.name === "InvalidInstanceID.NotFound") return undefined;
    throw error;
  }
}
