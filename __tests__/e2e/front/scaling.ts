import * as z from "zod";
import { type Bridges, type Forward, jsonAnswer, withXml } from "./bridge.ts";
import { type AwsCall, jsonOf } from "./exchange.ts";

const tags = z.record(z.string(), z.string()).default({});

/** Application Auto Scaling. moto knows no tags of scalable targets: we do. */
export function applicationScalingBridges(): Bridges {
  const tagsOf = new Map<string, Readonly<Record<string, string>>>();
  const add = (arn: unknown, more: unknown) =>
    tagsOf.set(String(arn), { ...tagsOf.get(String(arn)), ...tags.parse(more) });
  return {
    "application-autoscaling:RegisterScalableTarget": async ({ input }, forward) => {
      const answer = await forward();
      if (answer.status < 300) add(jsonOf(answer.body).ScalableTargetARN, input.Tags);
      return answer;
    },
    "application-autoscaling:TagResource": async ({ input }) => {
      add(input.ResourceARN, input.Tags);
      return jsonAnswer(200, {});
    },
    "application-autoscaling:ListTagsForResource": async ({ input }) =>
      jsonAnswer(200, { Tags: tagsOf.get(String(input.ResourceARN)) ?? {} }),
  };
}

/** EC2 Auto Scaling. moto forgets how long instances may live: we do not. */
export function groupBridges(): Bridges {
  const lifetimes = new Map<string, string>();
  const remember = async ({ input }: AwsCall, forward: Forward) => {
    const { AutoScalingGroupName: name, MaxInstanceLifetime: seconds } = input;
    const answer = await forward();
    if (answer.status < 300 && seconds !== undefined) lifetimes.set(String(name), String(seconds));
    return answer;
  };
  return {
    "autoscaling:CreateAutoScalingGroup": remember,
    "autoscaling:UpdateAutoScalingGroup": remember,
    "autoscaling:DescribeAutoScalingGroups": async (_, forward) =>
      withXml(await forward(), (xml) =>
        xml.replaceAll(/<AutoScalingGroupName>([^<]*)<\/AutoScalingGroupName>/g, (element, name: string) => {
          const seconds = lifetimes.get(name);
          return seconds === undefined ? element : `${element}<MaxInstanceLifetime>${seconds}</MaxInstanceLifetime>`;
        }),
      ),
  };
}
