import { DataAwsSsmParameter } from "@cdktf/provider-aws/lib/data-aws-ssm-parameter";
import { SsmParameter } from "@cdktf/provider-aws/lib/ssm-parameter";
import { Construct } from "constructs";
import type { StackContext } from "../stack-context.ts";
import type { Network } from "./network.ts";

type Key = "vpc-id" | "cidr" | "agent-subnet-ids" | "public-subnet-ids" | "private-subnet-ids" | "assign-public-ip";

/** What a stack with a network writes and the stacks that share it read: the whole contract between them. */
function parameterName(stack: string, key: Key): string {
  return `/agent-fleets/${stack}/network/${key}`;
}

/** Writes down, as SSM parameters, what other stacks need to know of a network. Kinds of subnets it lacks are left out. */
export class PublishedNetwork extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly network: Pick<Network, "vpcId" | "joinedSubnetIds" | "assignPublicIp">;
      /** What else a stack knows that made the VPC itself. */
      readonly made?: {
        readonly cidr: string;
        readonly publicSubnetIds: readonly string[];
        readonly privateSubnetIds: readonly string[];
      };
    },
  ) {
    super(scope, id);
    const { network, made } = props;
    this.text("vpc-id", network.vpcId, "Id of the VPC");
    this.text("cidr", made?.cidr, "IPv4 range of the VPC");
    this.text("assign-public-ip", network.assignPublicIp, "Whether agents need a public IP: true or false");
    this.text("agent-subnet-ids", network.joinedSubnetIds, "Subnets for agents, tasks and hosts", "StringList");
    this.text("public-subnet-ids", made?.publicSubnetIds.join(","), "Public subnets", "StringList");
    this.text("private-subnet-ids", made?.privateSubnetIds.join(","), "Private subnets", "StringList");
  }

  private text(key: Key, value: string | undefined, description: string, type = "String"): void {
    if (!value) return;
    const name = parameterName(this.props.context.name, key);
    new SsmParameter(this, key, { name, type, value, description });
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
