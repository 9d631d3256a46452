import { resources, rightsOf, type Synthesized, synthesize, theOnly } from "./synth.ts";

/** The least that a Spacelift fleet's file says. */
export const spacelift = {
  kind: "ec2-fleet",
  region: "us-west-2",
  vendor: {
    type: "spacelift",
    workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
    endpoint: "https://acme.app.spacelift.io",
    apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
  },
};

/** The least that a Semaphore fleet's file says. */
export const semaphore = {
  kind: "ec2-fleet",
  region: "us-west-2",
  vendor: { type: "semaphore", organization: "acme" },
};

/** A network that is there already. */
export const given = { vpcId: "vpc-01234567", subnetIds: ["subnet-01234567", "subnet-89abcdef"] };
/** A customer managed key of the stack. */
export const kmsKeyArn = "arn:aws:kms:us-west-2:111122223333:key/0a1b";

/** A Spacelift fleet in {@link given}, with changes to its config. */
export const fleet = (changes: object = {}, name = "ci") =>
  synthesize({ ...spacelift, network: given, ...changes }, name);

/** Its Auto Scaling group. */
export const group = (stack: Synthesized) => theOnly(stack, "aws_autoscaling_group");
/** Its launch template. */
export const template = (stack: Synthesized) => theOnly(stack, "aws_launch_template");
/** The group of a fleet with this `compute`. */
export const groupOf = (compute: object) => group(fleet({ compute }));
/** The launch template of a fleet with this `compute`. */
export const templateOf = (compute: object) => template(fleet({ compute }));
/** All that a role may do, whatever with. */
export const actionsOf = (stack: Synthesized, role: string) => rightsOf(stack, role).flatMap(({ Action }) => Action);

/** The variables of a function. */
export function environmentOf(stack: Synthesized, name: string): Record<string, string> {
  const functions = resources(stack, "aws_lambda_function");
  const found = functions.find((each) => each.function_name === name) as { environment?: { variables: object } };
  return { ...found?.environment?.variables } as Record<string, string>;
}

/** The text that Terraform gzips, with its expressions as they stand. */
export function bootProgramOf(stack: Synthesized): string {
  return String((stack as unknown as { locals: Record<string, string> }).locals["boot-program"]);
}
