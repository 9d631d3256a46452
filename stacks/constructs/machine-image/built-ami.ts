import { DataAwsAmi } from "@cdktf/provider-aws/lib/data-aws-ami";
import type { Construct } from "constructs";

/** The tag that identifies the AMIs of a stack. The building stack sets it, and fleets look for it. */
const tagName = "MachineImage";

/** The tags of every AMI of a stack. Image Builder sets them after it has built and tested the AMI. */
export function builtAmiTags(stack: string): Readonly<Record<string, string>> {
  return { [tagName]: stack };
}

/** Name of a stack's AMIs. Image Builder fills in the time, and requires that placeholder. */
export function builtAmiName(stack: string): string {
  return `${stack}.{{ imagebuilder:buildDate }}`;
}

/** Id of the newest AMI that a stack has built. Terraform looks it up when it plans, and fails if there is none. */
export function newestBuiltAmi(scope: Construct, id: string, stack: string, architecture: string): string {
  return new DataAwsAmi(scope, id, {
    mostRecent: true,
    owners: ["self"],
    filter: [
      { name: "name", values: [`${stack}.*`] },
      { name: `tag:${tagName}`, values: [stack] },
      { name: "architecture", values: [architecture] },
      { name: "state", values: ["available"] },
    ],
  }).id;
}
