import * as z from "zod";
import { type Bridges, type Forward, withJson } from "./bridge.ts";
import type { AwsCall } from "./exchange.ts";

const project = z.looseObject({ name: z.string() });
const answered = z.looseObject({ project: project.optional(), projects: z.array(project).optional() });

/**
 * CodeBuild. moto does not:
 *
 * - remember how many builds of a project may run at once; we do;
 * - delete a project by its ARN, as the provider does; it gets the name.
 */
export function codeBuildBridges(): Bridges {
  const limits = new Map<string, unknown>();
  const whole = (each: z.output<typeof project>) => ({ ...each, concurrentBuildLimit: limits.get(each.name) });
  const bridge = async ({ input }: AwsCall, forward: Forward) => {
    if ("concurrentBuildLimit" in input) limits.set(String(input.name), input.concurrentBuildLimit);
    return withJson(await forward(), (json) => {
      const { project: one, projects: many, ...rest } = answered.parse(json);
      return { ...rest, ...(one && { project: whole(one) }), ...(many && { projects: many.map(whole) }) };
    });
  };
  return {
    "codebuild:CreateProject": bridge,
    "codebuild:UpdateProject": bridge,
    "codebuild:BatchGetProjects": bridge,
    "codebuild:DeleteProject": ({ input }, forward) =>
      forward({ input: { ...input, name: String(input.name).split("/").at(-1) } }),
  };
}
