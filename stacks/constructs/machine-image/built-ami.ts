import { DataAwsAmi } from "@cdktf/provider-aws/lib/data-aws-ami";
import type { Construct } from "constructs";

/** What tells the AMIs of a stack from others: the contract between who builds them and who uses them. */
const tagName = "MachineImage";

/** What every AMI of a stack is tagged with once it has been built and tried. */
export function builtAmiTags(stack: string): Readonly<Record<string, string>> {
  return { [tagName]: stack };
}

/** Name of a stack's AMIs. Image Builder fills in the time, and takes no name without it. */
export function builtAmiName(stack: string): string {
  return `${stack}.{{ imagebuilder:buildDate }}`;
}

/** Id of the newest AMI that a stack has built, looked up when Terraform plans; planning fails where there is none. */
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
