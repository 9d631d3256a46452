import type { FleetNetwork } from "../network/fleet-network.ts";
import type { StackContext } from "../stack-context.ts";

/** An instance's disk: gp3, encrypted, deleted with the instance. Size in GiB, throughput in MiB/s. */
export function rootVolume(
  { kmsKeyArn }: Pick<StackContext, "kmsKeyArn">,
  deviceName: string,
  volume: {
    readonly sizeGiB: number;
    readonly iops?: number | undefined;
    readonly throughputMiBps?: number | undefined;
  },
) {
  return {
    deviceName,
    ebs: {
      volumeType: "gp3",
      volumeSize: volume.sizeGiB,
      iops: volume.iops,
      throughput: volume.throughputMiBps,
      encrypted: "true",
      kmsKeyId: kmsKeyArn,
      deleteOnTermination: "true",
    },
  };
}

/** An instance's only network interface. @param ownGroups security groups in addition to the network's */
export function networkInterface(network: FleetNetwork, ownGroups: readonly string[]) {
  return {
    deviceIndex: 0,
    associatePublicIpAddress: network.assignPublicIp,
    deleteOnTermination: "true",
    securityGroups: [...network.securityGroupIds, ...ownGroups],
  };
}

/** The metadata service; sessions are required (IMDSv2). @param hops 1: the instance alone; 2: its containers too */
export function metadataService(hops: 1 | 2) {
  return { httpEndpoint: "enabled", httpTokens: "required", httpPutResponseHopLimit: hops };
}

/** Tags of all resources that a launch makes. They do not get the provider's default tags. */
export function tagsOfLaunched(tags: Readonly<Record<string, string>>) {
  return ["instance", "volume", "network-interface"].map((resourceType) => ({ resourceType, tags: { ...tags } }));
}
