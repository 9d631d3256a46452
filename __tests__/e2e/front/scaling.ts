import * as z from "zod";
import { type Bridges, jsonAnswer } from "./bridge.ts";
import { jsonOf } from "./exchange.ts";

const tags = z.record(z.string(), z.string()).default({});

/** Application Auto Scaling. moto does not remember tags of scalable targets; we do. */
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
