/** The network of a stack. Only Terraform knows the values of a shared one, even the number of subnets. */
export interface Network {
  readonly vpcId: string;
  /** Subnets for agents, tasks and hosts, for Terraform's lists. Do not count or index them. */
  readonly subnetIds: string[];
  /** The same, joined by commas: for text, such as a Lambda's environment. */
  readonly joinedSubnetIds: string;
  /** `true` or `false`, as text: whether agents in these subnets need a public IP. */
  readonly assignPublicIp: string;
  /** Public subnets, for resources that the internet must reach. `undefined`: none is known. */
  publicSubnetIds(): string[] | undefined;
}
