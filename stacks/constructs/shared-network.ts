import { DataAwsSsmParameter } from "@cdktf/provider-aws/lib/data-aws-ssm-parameter";
import { SsmParameter } from "@cdktf/provider-aws/lib/ssm-parameter";
import { Construct } from "constructs";
import type { StackContext } from "./stack-context.ts";
import type { Vpc } from "./vpc.ts";

type Key = "vpc-id" | "cidr" | "agent-subnet-ids" | "public-subnet-ids" | "private-subnet-ids" | "assign-public-ip";

/** What a network stack writes and the stacks that share it read: the whole contract between them. */
function parameterName(stack: string, key: Key): string {
  return `/agent-fleets/${stack}/network/${key}`;
}

/** Writes down, as SSM parameters, what other stacks need to know of a network. Kinds of subnets it lacks are left out. */
export class PublishedNetwork extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: { readonly context: StackContext; readonly vpc: Vpc; readonly cidr: string },
  ) {
    super(scope, id);
    const { vpc, cidr } = props;
    this.text("vpc-id", vpc.id, "Id of the VPC");
    this.text("cidr", cidr, "IPv4 range of the VPC");
    this.text("assign-public-ip", String(vpc.assignPublicIp), "Whether agents need a public IP: true or false");
    this.list("agent-subnet-ids", vpc.agentSubnetIds, "Subnets for agents, tasks and hosts");
    this.list("public-subnet-ids", vpc.publicSubnetIds, "Public subnets");
    this.list("private-subnet-ids", vpc.privateSubnetIds, "Private subnets");
  }

  private text(key: Key, value: string, description: string, type = "String"): void {
    const name = parameterName(this.props.context.name, key);
    new SsmParameter(this, key, { name, type, value, description });
  }

  private list(key: Key, values: readonly string[], description: string): void {
    if (values.length > 0) this.text(key, values.join(","), description, "StringList");
  }
}

/** The network that another stack published, read when this stack is planned. Reads only what is asked for. */
export class SharedNetwork extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly stack: string,
  ) {
    super(scope, id);
  }

  /** A value as the other stack wrote it; lists joined by commas. */
  read(key: Key): string {
    const known = this.node.tryFindChild(key);
    const parameter =
      known instanceof DataAwsSsmParameter
        ? known
        : new DataAwsSsmParameter(this, key, { name: parameterName(this.stack, key) });
    // The attribute `value` counts as a secret for Terraform; this one is for what is none.
    return parameter.insecureValue;
  }
}
