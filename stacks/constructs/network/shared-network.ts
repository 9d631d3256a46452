import { Construct } from "constructs";
import { DataAwsSsmParameter } from "#provider-aws/data-aws-ssm-parameter";
import { SsmParameter } from "#provider-aws/ssm-parameter";
import { acceptFindings } from "../accepted-findings.ts";
import type { StackContext } from "../stack-context.ts";
import type { Network } from "./network.ts";

type Key = "vpc-id" | "cidr" | "agent-subnet-ids" | "public-subnet-ids" | "private-subnet-ids" | "assign-public-ip";

/** Name of a parameter. The network's stack writes it, and the stacks that share the network read it. */
function parameterName(stack: string, key: Key): string {
  return `/agent-fleets/${stack}/network/${key}`;
}

/** Publishes a network to other stacks, as SSM parameters. There is no parameter for a missing kind of subnets. */
export class PublishedNetwork extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly props: {
      readonly context: StackContext;
      readonly network: Pick<Network, "vpcId" | "joinedSubnetIds" | "assignPublicIp">;
      /** Further values, if the stack made the VPC itself. */
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
    const parameter = new SsmParameter(this, key, { name, type, value, description });
    acceptFindings(parameter, { CKV2_AWS_34: "It holds ids and ranges of the network, which are no secrets." });
  }
}

/** The network that another stack published. Terraform reads the requested parameters when it plans this stack. */
export class SharedNetwork extends Construct {
  constructor(
    scope: Construct,
    id: string,
    private readonly stack: string,
  ) {
    super(scope, id);
  }

  /** A value as the other stack wrote it. Lists are joined by commas. */
  read(key: Key): string {
    const known = this.node.tryFindChild(key);
    const parameter =
      known instanceof DataAwsSsmParameter
        ? known
        : new DataAwsSsmParameter(this, key, { name: parameterName(this.stack, key) });
    // Terraform treats the attribute `value` as a secret; this one is for values that are not secret.
    return parameter.insecureValue;
  }
}
