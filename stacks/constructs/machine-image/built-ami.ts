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

/** How to find the AMIs that a stack has built. */
export function builtAmi(stack: string) {
  return {
    owners: ["self"],
    filter: [
      { name: "name", values: [`${stack}.*`] },
      { name: `tag:${tagName}`, values: [stack] },
    ],
  };
}
