/** The network that a stack stands on. Of a shared one Terraform alone knows the values, even how many subnets. */
export interface Network {
  readonly vpcId: string;
  /** Subnets for agents, tasks and hosts: for Terraform's lists. Not to be counted or taken apart. */
  readonly subnetIds: string[];
  /** The same, joined by commas: for text, such as a Lambda's environment. */
  readonly joinedSubnetIds: string;
  /** `true` or `false`, as text: whether agents in these subnets need a public IP. */
  readonly assignPublicIp: string;
  /** Public subnets, for what is to be reached from the internet; `undefined` where none are known. */
  publicSubnetIds(): string[] | undefined;
}
